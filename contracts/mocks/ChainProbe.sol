// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ChainProbe
/// @notice Shows the Python chain layer everything a contract can return, emit, throw or observe.
/// @dev Test double: it has no part in the protocol. The transaction probes tell whether two sends are really two
/// transactions: transient storage and the refund counter must start afresh in each.
contract ChainProbe {
    struct Point {
        int256 x;
        uint128 y;
    }

    struct Shape {
        address owner;
        Point centre;
        Point[] corners;
        bytes32 tag;
    }

    /// @notice The price asked for lies beyond the limit.
    /// @param asked What the caller asked for.
    /// @param limit What is allowed.
    error ChainProbe_BeyondLimit(uint256 asked, uint256 limit);

    /// @notice An error without arguments.
    error ChainProbe_Bare();

    /// @notice An error that carries a struct and a text.
    error ChainProbe_BadPoint(Point point, string why);

    /// @notice The second call within one transaction was refused.
    error ChainProbe_Reentered();

    event Mark(address indexed who, uint256 indexed id, Point point, uint256[] series);
    event Name(string indexed hashed, string plain);
    event Paid(address indexed from, uint256 amount);

    uint256 public stored;
    mapping(address who => uint256 count) public counts;
    bool private transient locked;
    uint256 private immutable initialSeed;

    constructor(uint256 seed) payable {
        initialSeed = seed;
    }

    receive() external payable {
        emit Paid(msg.sender, msg.value);
    }

    // ----------------------------------------------------------------- writing

    function store(uint256 value) external returns (uint256 previous) {
        previous = stored;
        stored = value;
    }

    function bump() external returns (uint256) {
        return ++counts[msg.sender];
    }

    function mark(uint256 id, Point calldata point, uint256[] calldata series) external {
        emit Mark(msg.sender, id, point, series);
    }

    function name(string calldata text) external {
        emit Name(text, text);
    }

    function pay() external payable returns (uint256) {
        emit Paid(msg.sender, msg.value);
        return msg.value;
    }

    function stamp() external returns (uint256) {
        stored = block.timestamp;
        return block.timestamp;
    }

    /// @notice Takes the transient lock and never releases it: works once per transaction.
    function lockForGood() external {
        require(!locked, ChainProbe_Reentered());
        locked = true;
    }

    function lockTwice() external {
        this.lockForGood();
        this.lockForGood();
    }

    function burn(uint256 rounds) external {
        for (uint256 i; i < rounds; ++i) {
            stored = uint256(keccak256(abi.encode(i, stored)));
        }
    }

    /// @notice Deploys a contract whose code is `size` zero bytes.
    function spawn(uint256 size) external returns (address child) {
        bytes memory init = abi.encodePacked(hex"62", uint24(size), hex"5ff3");
        assembly ("memory-safe") {
            child := create(0, add(init, 32), mload(init))
        }
        require(child != address(0), ChainProbe_Bare());
    }

    // ----------------------------------------------------------------- failing

    function failWith(uint256 asked, uint256 limit) external pure {
        revert ChainProbe_BeyondLimit(asked, limit);
    }

    function failBare() external pure {
        revert ChainProbe_Bare();
    }

    function failPoint(Point calldata point, string calldata why) external pure {
        revert ChainProbe_BadPoint(point, why);
    }

    function failText() external pure {
        // solhint-disable-next-line gas-custom-errors
        revert("a plain reason");
    }

    function failSilently() external pure {
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }

    function failInvalid() external pure {
        assembly ("memory-safe") {
            invalid()
        }
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    /// @notice Writes, then fails: nothing of it may remain.
    function storeAndFail(uint256 value) external {
        stored = value;
        revert ChainProbe_BeyondLimit(value, 0);
    }

    /// @notice Calls a failing function and swallows the failure.
    function swallow() external returns (bool ok) {
        try this.storeAndFail(1) {
            ok = true;
        } catch {
            stored = 77;
        }
    }

    // ----------------------------------------------------------------- reading

    function seed() external view returns (uint256) {
        return initialSeed;
    }

    function time() external view returns (uint256) {
        return block.timestamp;
    }

    function height() external view returns (uint256) {
        return block.number;
    }

    function chainId() external view returns (uint256) {
        return block.chainid;
    }

    function whoAmI() external view returns (address) {
        return msg.sender;
    }

    function several() external pure returns (uint256 first, bool, address third) {
        return (1, true, address(3));
    }

    function point(int256 x, uint128 y) external pure returns (Point memory) {
        return Point(x, y);
    }

    function shape(address owner, uint256 n) external pure returns (Shape memory s) {
        s.owner = owner;
        s.centre = Point(-5, 6);
        s.corners = new Point[](n);
        for (uint256 i; i < n; ++i) {
            s.corners[i] = Point(int256(i), uint128(i * 2));
        }
        s.tag = bytes32("shape");
    }

    function echo(Shape[] calldata shapes) external pure returns (Shape[] memory, uint256) {
        return (shapes, shapes.length);
    }

    function addresses() external view returns (address[] memory list, address[2] memory pair) {
        list = new address[](1);
        list[0] = address(this);
        pair = [msg.sender, address(this)];
    }

    function twice(uint256 a) external pure returns (uint256) {
        return 2 * a;
    }

    function twice(uint256 a, uint256 b) external pure returns (uint256) {
        return 2 * (a + b);
    }

    function kind(uint256) external pure returns (string memory) {
        return "number";
    }

    function kind(address) external pure returns (string memory) {
        return "address";
    }
}
