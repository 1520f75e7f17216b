"""Runs slither over sources given in a standard-JSON input, and prints its findings as JSON.

    python static.py INPUT SOLC OWN_FOLDER

Stands apart from the package: it runs in the environment of the verifying tools, whose pins clash with ape's. Only the
syntax trees are asked of the compiler: nothing that slither needs comes from code generation, which takes a minute.
"""

import contextlib
import inspect
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from crytic_compile import CryticCompile
from crytic_compile.platform import solc_standard_json
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector
from slither.slithir import convert

NO_CODE = {
    "bytecode": {"object": "", "sourceMap": ""},
    "deployedBytecode": {"object": "", "sourceMap": ""},
}


def forgive_constants() -> None:
    """Keep slither 0.11 from stumbling over calls through `using` for a user-defined value type.

    It asserts that a call has as many arguments as parameters, where it gives constants among them a type.
    """
    convert_constant_types = convert.convert_constant_types

    def convert_or_leave(irs: object) -> None:
        with contextlib.suppress(AssertionError):
            convert_constant_types(irs)

    convert.convert_constant_types = convert_or_leave


def main() -> None:
    forgive_constants()
    request, solc, own = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3]
    done = subprocess.run([solc, "--standard-json"], input=json.dumps(request), capture_output=True, text=True)
    answer = json.loads(done.stdout)
    errors = [each["formattedMessage"] for each in answer.get("errors", []) if each["severity"] == "error"]
    if errors:
        sys.exit("\n".join(errors))
    for contracts in answer["contracts"].values():
        for contract in contracts.values():
            contract["evm"] = NO_CODE
    solc_standard_json.run_solc_standard_json = lambda *_, **__: answer
    logging.disable(logging.CRITICAL)
    os.chdir(own)
    compiled = CryticCompile(solc_standard_json.SolcStandardJson(request), solc=solc)
    slither = Slither(compiled)
    for kind in vars(all_detectors).values():
        if inspect.isclass(kind) and issubclass(kind, AbstractDetector) and kind is not AbstractDetector:
            slither.register_detector(kind)
    findings = [found for result in slither.run_detectors() for found in result]
    fields = ("check", "impact", "confidence", "description", "elements")
    json.dump([{field: found[field] for field in fields} for found in findings], sys.stdout)


if __name__ == "__main__":
    main()
