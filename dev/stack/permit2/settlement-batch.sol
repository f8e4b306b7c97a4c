// SPDX-License-Identifier: MIT
// Settles many permits of the scheme `upto` in one transaction. Only `dev/permit-gas.ts` uses it, to measure: as the code that a key
// delegates to (EIP-7702), and as a contract of its own. Each call may fail alone.
pragma solidity 0.8.37;

contract SettlementBatch {
    address private constant PROXY = 0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002;
    address private immutable sender;

    // Bit i: the settlement i succeeded. A receipt shows neither return values nor which of two equal settlements failed.
    event SettledBatch(uint256 succeeded);
    error TooManySettlements();
    error UnauthorizedSender();

    constructor(address only) {
        sender = only;
    }

    // A key that delegates to code without this function can receive no ether.
    receive() external payable {}

    // Attack: anyone else who may call this moves the whole maximum of a permit, because the proxy sees the facilitator as its caller.
    function settle(bytes[] calldata settlements) external returns (uint256 succeeded) {
        if (msg.sender != sender) revert UnauthorizedSender();
        if (settlements.length > 256) revert TooManySettlements();
        for (uint256 i; i < settlements.length; ++i) {
            (bool success,) = PROXY.call(settlements[i]);
            if (success) succeeded |= 1 << i;
        }
        emit SettledBatch(succeeded);
    }
}
