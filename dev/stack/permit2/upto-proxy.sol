// SPDX-License-Identifier: MIT
// A stand-in for local tests, and not the deployed contract: `x402UptoPermit2Proxy` as far as the ABI in `@x402/evm` 2.27.0 describes it.
// `upto-proxy-code.ts` has its code; `test/unit/dev/upto-proxy.test.ts` compiles this file and compares.
pragma solidity 0.8.37;

struct TokenPermissions { address token; uint256 amount; }
struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }
struct SignatureTransferDetails { address to; uint256 requestedAmount; }
struct Witness { address to; address facilitator; uint256 validAfter; }
struct EIP2612Permit { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }

interface ISignatureTransfer {
    function permitWitnessTransferFrom(PermitTransferFrom calldata permit, SignatureTransferDetails calldata details, address owner, bytes32 witness, string calldata witnessTypeString, bytes calldata signature) external;
}

interface IERC20Permit {
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
}

contract UptoProxyStandIn {
    ISignatureTransfer public constant PERMIT2 = ISignatureTransfer(0x000000000022D473030F116dDEE9F6B43aC78BA3);
    string public constant WITNESS_TYPE_STRING = "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)";
    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,address facilitator,uint256 validAfter)");

    event Settled();
    event SettledWithPermit();
    error AmountExceedsPermitted();
    error InvalidDestination();
    error InvalidOwner();
    error PaymentTooEarly();
    error Permit2612AmountMismatch();
    error UnauthorizedFacilitator();

    function settle(PermitTransferFrom calldata permit, uint256 amount, address owner, Witness calldata witness, bytes calldata signature) external {
        _transfer(permit, amount, owner, witness, signature);
        emit Settled();
    }

    function settleWithPermit(EIP2612Permit calldata permit2612, PermitTransferFrom calldata permit, uint256 amount, address owner, Witness calldata witness, bytes calldata signature) external {
        if (permit2612.value != permit.permitted.amount) revert Permit2612AmountMismatch();
        // Anyone can use an EIP-2612 signature first. The transfer then needs only the allowance.
        try IERC20Permit(permit.permitted.token).permit(owner, address(PERMIT2), permit2612.value, permit2612.deadline, permit2612.v, permit2612.r, permit2612.s) {} catch {}
        _transfer(permit, amount, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _transfer(PermitTransferFrom calldata permit, uint256 amount, address owner, Witness calldata witness, bytes calldata signature) private {
        if (owner == address(0)) revert InvalidOwner();
        if (witness.to == address(0)) revert InvalidDestination();
        if (amount > permit.permitted.amount) revert AmountExceedsPermitted();
        if (msg.sender != witness.facilitator) revert UnauthorizedFacilitator();
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        bytes32 hash = keccak256(abi.encode(WITNESS_TYPEHASH, witness.to, witness.facilitator, witness.validAfter));
        PERMIT2.permitWitnessTransferFrom(permit, SignatureTransferDetails(witness.to, amount), owner, hash, WITNESS_TYPE_STRING, signature);
    }
}
