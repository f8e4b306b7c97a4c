import type { Hex } from '../../../src/core/hex.ts';

/** A signed EIP-3009 transfer, as JSON. */
export type SignedTransfer = {
  readonly from: Hex;
  readonly to: Hex;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: Hex;
  readonly signature: Hex;
};

/** Verifies that the payer's key signed the transfer. */
export type Verify = (transfer: SignedTransfer) => boolean | Promise<boolean>;

export const token = {
  network: 'eip155:84532',
  address: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  name: 'USDC',
  version: '2',
} as const;

/** A Worker that only verifies: POST stores transfers, GET verifies `n` of them in sequence. */
export const verificationWorker = (verify: Verify): ExportedHandler => {
  let transfers: readonly SignedTransfer[] = [];
  let at = 0;
  return {
    async fetch(request) {
      if (request.method === 'POST') {
        transfers = await request.json<readonly SignedTransfer[]>();
        return new Response('kept');
      }
      const count = Number(new URL(request.url).searchParams.get('n'));
      for (let done = 0; done < count; done += 1) {
        const transfer = transfers[at % transfers.length];
        at += 1;
        if (transfer === undefined || !(await verify(transfer))) {
          return new Response('The verifier refused a valid signature.', { status: 500 });
        }
      }
      return new Response('verified');
    },
  };
};
