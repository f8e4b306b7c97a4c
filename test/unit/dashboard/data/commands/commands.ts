import { bodyDigest, utf8 } from '../../../../../src/crypto/bytes.ts';
import type { Hex } from '../../../../../src/core/hex.ts';
import { ZERO_ADDRESS, ZERO_HASH } from '../../../../../src/core/hex.ts';
import { type AccountId, accountId, network } from '../../../../../src/protocol/account-id.ts';
import { encodeAgentIntent } from '../../../../../src/protocol/intent/agent-intent.ts';
import type { StoredCommand } from '../../../../../src/dashboard/data/commands/signed-command.ts';

export const NOW = 1_800_000_000;
export const GATEWAY = 'https://gw.example';
export const CHAIN = 84_532;

export const walletOf = (byte: string): AccountId =>
  accountId(network(CHAIN), `0x${byte.repeat(20)}`);

export type Made = {
  readonly wallet?: string;
  readonly nonce?: number;
  readonly gateway?: string;
  readonly audience?: string;
  readonly method?: StoredCommand['method'];
  readonly target?: string;
  readonly tool?: string;
  readonly body?: string;
  readonly validBefore?: number;
};

export const REFUND = `/admin/calls/eip155:84532:0x${'cc'.repeat(20)}/0x${'dd'.repeat(32)}/refund`;

/** A refund of 400 atomic units, signed by a wallet, as a browser stores it. */
export const storedCommand = async ({
  wallet = 'aa',
  nonce = 1,
  gateway = GATEWAY,
  audience = gateway,
  method = 'POST',
  target = REFUND,
  tool = 'countersign.admin.calls.refund',
  body = '{"amount":"400","reason":"wrong"}',
  validBefore = NOW + 180,
}: Made = {}): Promise<StoredCommand> => ({
  v: 1,
  gateway,
  method,
  target,
  headers: {
    'agent-intent': encodeAgentIntent({
      chainId: CHAIN,
      signature: `0x${'11'.repeat(65)}`,
      intent: {
        agent: `0x${wallet.repeat(20)}`,
        audience,
        tool,
        method,
        target,
        contentType: 'application/json',
        payloadDigest: await bodyDigest(utf8(body)),
        payTo: ZERO_ADDRESS,
        asset: ZERO_ADDRESS,
        maxAmount: 0n,
        validAfter: BigInt(validBefore - 240),
        validBefore: BigInt(validBefore),
        nonce: `0x${String(nonce).padStart(64, '0')}` satisfies Hex,
        authority: ZERO_HASH,
      },
    }),
    'content-type': 'application/json',
  },
  body,
  sentAt: NOW,
});
