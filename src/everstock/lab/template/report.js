"use strict";
(() => {
    const root = document.documentElement;
    const COLOURS = 7;
    const DASHES = ["solid", "dash", "dot", "dashdot"];
    const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross", "x", "star"];
    const NUMBER = ",.6~r";
    const charts = [...document.querySelectorAll("figure.chart")];
    const specs = new Map(charts.map((chart) => [chart, JSON.parse(chart.querySelector(".spec").textContent)]));
    const hidden = new Map(charts.map((chart) => [chart, new Set()]));
    const drawn = new Set();

    // ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────
    const shade = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
    const seriesColour = (i) => shade(`c${i % COLOURS}`);
    const seriesDash = (i) => DASHES[Math.floor(i / COLOURS) % DASHES.length];

    function clear(colour, alpha) {
        const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
        return `rgba(${r},${g},${b},${alpha})`;
    }

    function traceOf(series, i, spec, chart) {
        const colour = seriesColour(i);
        const several = spec.traces.length > 1;
        const trace = {
            name: series.name,
            x: series.x,
            y: series.y,
            visible: !hidden.get(chart).has(i),
            hovertemplate: `%{y:${NUMBER}}<extra>${several ? "%{fullData.name}" : ""}</extra>`,
        };
        switch (series.mark) {
            case "bars":
                return { ...trace, type: "bar", marker: { color: colour } };
            case "histogram": {
                const fill = several ? clear(colour, 0.55) : colour;
                const marker = { color: fill, line: { color: colour, width: 1 } };
                return { ...trace, type: "bar", width: series.width, marker };
            }
            case "points": {
                const marker = { color: clear(colour, 0.75), size: 7, symbol: SYMBOLS[i % SYMBOLS.length] };
                const hovertemplate = `%{x}, %{y:${NUMBER}}<extra>${several ? "%{fullData.name}" : ""}</extra>`;
                return { ...trace, type: "scatter", mode: "markers", marker, hovertemplate };
            }
            default: {
                const line = {
                    color: colour,
                    width: 2.25,
                    dash: seriesDash(i),
                    shape: series.mark === "step" ? "hv" : "linear",
                };
                const few = series.y.filter((y) => y !== null).length < 2;
                return {
                    ...trace,
                    type: "scatter",
                    mode: few ? "markers" : "lines",
                    line,
                    marker: { color: colour, size: 8 },
                };
            }
        }
    }

    function axisOf(axis) {
        return {
            type: axis.type,
            automargin: true,
            gridcolor: shade("grid"),
            zerolinecolor: shade("line"),
            linecolor: shade("line"),
            tickcolor: shade("line"),
            tickfont: { color: shade("soft") },
            separatethousands: true,
            exponentformat: "none",
            ...(axis.ticks ? { tickvals: axis.ticks, ticktext: axis.labels } : {}),
        };
    }

    function layoutOf(spec, width) {
        const histogram = spec.traces.some((series) => series.mark === "histogram");
        const points = spec.traces.some((series) => series.mark === "points");
        const x = axisOf(spec.x);
        x.showgrid = spec.x.type !== "category";
        x.showline = true;
        x.ticks = "outside";
        x.ticklen = 4;
        if (spec.x.ticks && spec.x.ticks.length > width / 60) {
            x.tickvals = spec.x.ticks.filter((_, i) => i % 2 === 0);
            x.ticktext = spec.x.labels.filter((_, i) => i % 2 === 0);
        }
        x.nticks = Math.max(4, Math.floor(width / (spec.x.type === "date" ? 90 : 60)));
        x.title = { text: spec.x.title, standoff: 10, font: { color: shade("faint"), size: 13 } };
        if (spec.x.type === "linear" || spec.x.type === "log") x.hoverformat = NUMBER;
        if (spec.x.type === "date") x.hoverformat = "%a %d %b %Y, %H:%M";
        const y = axisOf(spec.y);
        y.nticks = 7;
        return {
            autosize: true,
            margin: { l: 12, r: 12, t: 8, b: 44, pad: 4 },
            paper_bgcolor: "rgba(0,0,0,0)",
            plot_bgcolor: "rgba(0,0,0,0)",
            font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: shade("soft") },
            showlegend: false,
            separators: ".,",
            barmode: histogram ? "overlay" : "group",
            bargap: 0.3,
            hovermode: points ? "closest" : "x unified",
            hoverlabel: { bgcolor: shade("card"), bordercolor: shade("line"), font: { color: shade("ink"), size: 13 } },
            dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
            xaxis: x,
            yaxis: y,
        };
    }

    function draw(chart) {
        const spec = specs.get(chart);
        const plot = chart.querySelector(".plot");
        const traces = spec.traces.map((series, i) => traceOf(series, i, spec, chart));
        const options = { displayModeBar: false, responsive: true };
        if (!drawn.has(chart)) legend(chart, spec);
        drawn.add(chart);
        return Plotly.react(plot, traces, layoutOf(spec, plot.clientWidth), options);
    }

    function swatch(series, i) {
        const strokes = { solid: "", dash: "6 4", dot: "2 3", dashdot: "7 3 2 3" };
        const style = `stroke="var(--c${i % COLOURS})" stroke-width="2.5" stroke-dasharray="${strokes[seriesDash(i)]}"`;
        const line = `<line x1="0" y1="6" x2="22" y2="6" ${style}/>`;
        const box = `<rect x="4" width="12" height="12" rx="2" fill="var(--c${i % COLOURS})"/>`;
        const kind = {
            bars: box,
            histogram: box,
            points: `<circle cx="11" cy="6" r="5" fill="var(--c${i % COLOURS})"/>`,
        };
        return `<svg width="22" height="12" aria-hidden="true">${kind[series.mark] || line}</svg>`;
    }

    function legend(chart, spec) {
        const box = chart.querySelector(".legend");
        if (spec.traces.length < 2) {
            box.remove();
            return;
        }
        spec.traces.forEach((series, i) => {
            const button = document.createElement("button");
            button.type = "button";
            button.innerHTML = swatch(series, i);
            button.append(series.name);
            button.setAttribute("aria-pressed", "true");
            button.addEventListener("click", () => {
                const off = hidden.get(chart);
                if (!off.delete(i)) off.add(i);
                button.setAttribute("aria-pressed", String(!off.has(i)));
                draw(chart);
            });
            box.append(button);
        });
    }

    // Charts are drawn when they come near: a long report opens at once, on a phone too.
    const near = new IntersectionObserver(
        (entries) => {
            for (const entry of entries) {
                if (!entry.isIntersecting) continue;
                near.unobserve(entry.target);
                draw(entry.target);
            }
        },
        { rootMargin: "800px" },
    );
    const drawAll = () => Promise.all(charts.filter((chart) => !drawn.has(chart)).map(draw));

    // ── light and dark ───────────────────────────────────────────────────────────────────────────────────────────
    const system = matchMedia("(prefers-color-scheme: dark)");
    function remembered(value) {
        try {
            if (value) localStorage.setItem("everstock-theme", value);
            return localStorage.getItem("everstock-theme");
        } catch {
            return null; // some browsers keep nothing for a file
        }
    }
    function setTheme(theme) {
        root.dataset.theme = theme;
        drawn.forEach(draw);
    }
    const fitting = () => remembered() || (system.matches ? "dark" : "light");
    setTheme(fitting());
    system.addEventListener("change", () => setTheme(fitting()));
    document.querySelector(".theme").addEventListener("click", () => {
        setTheme(remembered(root.dataset.theme === "dark" ? "light" : "dark") || "light");
    });

    // ── paper ────────────────────────────────────────────────────────────────────────────────────────────────────
    addEventListener("beforeprint", () => {
        setTheme("light");
        drawAll();
    });
    addEventListener("afterprint", () => setTheme(fitting()));

    // ── buttons ──────────────────────────────────────────────────────────────────────────────────────────────────
    function say(button, text) {
        const before = button.textContent;
        button.textContent = text;
        setTimeout(() => (button.textContent = before), 1500);
    }
    document.querySelectorAll(".copy").forEach((button) =>
        button.addEventListener("click", async () => {
            const code = button.parentElement.querySelector("code");
            try {
                await navigator.clipboard.writeText(code.textContent);
                say(button, "copied");
            } catch {
                getSelection().selectAllChildren(code); // at least it is marked
            }
        }),
    );

    function csvOf(spec) {
        const quote = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
        const rows = spec.traces.flatMap((series) => series.x.map((x, i) => [series.name, x, series.y[i]]));
        return [["series", spec.x.title, spec.y.title], ...rows].map((row) => row.map(quote).join(",")).join("\r\n");
    }
    charts.forEach((chart) => {
        chart.querySelector(".csv").addEventListener("click", () => {
            const link = document.createElement("a");
            link.href = URL.createObjectURL(new Blob([csvOf(specs.get(chart))], { type: "text/csv" }));
            link.download = `${chart.id}.csv`;
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 1000);
        });
        near.observe(chart);
    });

    // ── where the reader is ──────────────────────────────────────────────────────────────────────────────────────
    const entries = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
    const reading = new IntersectionObserver(
        (seen) => {
            for (const entry of seen) {
                if (!entry.isIntersecting) continue;
                entries.forEach((a, id) => a.toggleAttribute("aria-current", id === entry.target.id));
            }
        },
        { rootMargin: "-20% 0px -70% 0px" },
    );
    document.querySelectorAll("section.page").forEach((section) => reading.observe(section));

    window.report = { drawAll };
})();
