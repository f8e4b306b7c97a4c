import { createRemoteJWKSet, jwtVerify } from 'jose';
import { x402Client } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';

/** What a page of another origin can read of an answer that it has paid for. */
export type Seen = {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Claims of the receipt, verified in the page. */
  readonly receipt: Readonly<Record<string, unknown>>;
};

const pay = async (gateway: string, target: string, privateKey: `0x${string}`): Promise<Seen> => {
  const client = new x402Client().register(
    'eip155:*',
    new ExactEvmScheme(privateKeyToAccount(privateKey)),
  );
  const answer = await wrapFetchWithPayment(fetch, client)(gateway + target);
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', gateway));
  const receipt = await jwtVerify(answer.headers.get('agent-receipt') ?? '', keys, {
    issuer: gateway,
    typ: 'agent-receipt+jwt',
    algorithms: ['EdDSA'],
  });
  return {
    status: answer.status,
    body: await answer.json(),
    headers: Object.fromEntries(answer.headers),
    receipt: receipt.payload,
  };
};

/** The page's only global, which the test calls. */
Object.assign(globalThis, { pay });
