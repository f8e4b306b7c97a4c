import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Address } from '../../src/core/hex.ts';
import { ROOT } from '../root.ts';
import { sendOwnerCommand } from '../stack/owner-command.ts';
import { people } from '../stack/people.ts';
import { startSigner } from '../stack/signer.ts';
import { dollars } from './purchase.ts';
import type { RemoteErrand, RemoteResult } from './remote-agent.ts';
import { priceOf, type Requests, type Scene } from './scene.ts';

/** Results of an agent without a wallet key that used the signer. */
export type RemoteSigning = Pick<RemoteResult, 'status' | 'charged' | 'dear' | 'permit'>;

/** Enrols a public key, by a command that the owner signs. */
const enrol = async ({ stack, payTo }: Scene, signer: string, jwk: object, limit: bigint) => {
  const policy = {
    audiences: [stack.audience],
    tools: ['lookup', 'enrich'],
    payees: [payTo],
    assets: [`eip155:${stack.chainId}/erc20:${stack.usdc.toLowerCase()}`],
    perSignature: dollars(limit),
    windows: [{ every: 'day', limit: dollars(limit * 10n) }],
  };
  const body = { agents: [{ jwk }], policy };
  return await sendOwnerCommand(signer, people.owner.privateKey, 'agents.enrol', body);
};

/** Runs the agent in a process of its own, whose environment has no key. */
const runAgent = async (errand: RemoteErrand): Promise<RemoteResult> => {
  const child = spawn(process.execPath, [join(ROOT, 'dev/demo/remote-agent.ts')], {
    env: { PATH: process.env['PATH'] } as unknown as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(errand));
  return JSON.parse(await text(child.stdout)) as RemoteResult;
};

/** An unlimited allowance for a stranger (EIP-2612), as an injected page would request it. */
const permitOf = ({ stack }: Scene, owner: string) => ({
  domain: { name: 'USDC', version: '2', chainId: stack.chainId, verifyingContract: stack.usdc },
  types: {
    Permit: ['owner', 'spender', 'value', 'nonce', 'deadline'].map((name, at) => ({
      name,
      type: at < 2 ? 'address' : 'uint256',
    })),
  },
  primaryType: 'Permit',
  message: {
    owner,
    spender: people.seller,
    value: (2n ** 256n - 1n).toString(),
    nonce: '0',
    deadline: '9999999999',
  },
});

/** An agent whose process holds no wallet key pays through a signer, and fails to get anything else signed. */
export const payThroughSigner = async (
  scene: Scene,
  requests: Requests,
): Promise<RemoteSigning> => {
  const { narrator, directory, chain } = scene;
  const price = priceOf(scene, 'lookup');
  const starting = startSigner({
    persistTo: join(directory, 'signer'),
    owners: [people.owner.address],
  });
  const signer = await narrator.during('starting the signer', starting);
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { kty, crv, x } = publicKey.export({ format: 'jwk' });
    const enrolled = await enrol(scene, signer.url, { kty, crv, x }, price);
    const [agent] = enrolled.agents;
    narrator.detail(
      `wallet ${agent?.address}; a stolen key could spend ${dollars(enrolled.exposure.each.day)} a day until it is revoked`,
    );
    await chain.fund(agent?.address as Address, price * 10n);
    const key = privateKey.export({ format: 'jwk' }) as RemoteErrand['key'];
    const { url, body } = requests.dear;
    const result = await narrator.during(
      'paying through the signer',
      runAgent({
        ...{ url: enrolled.url, key, call: requests.word.url },
        dear: { url, body: body ?? '' },
        permit: permitOf(scene, agent?.address ?? ''),
      }),
    );
    narrator.check(
      `paid ${dollars(price)} without a wallet key in its process; receipt verified`,
      result.status === 200 && result.charged === price.toString() && result.receipt,
      JSON.stringify(result),
    );
    narrator.check(
      'the signer refuses a call above its policy',
      result.dear === 'per_signature',
      result.dear,
    );
    narrator.check(
      'the signer refuses an injected permit by name',
      result.permit === 'permit',
      result.permit,
    );
    const { status, charged, dear, permit } = result;
    return { status, charged, dear, permit };
  } finally {
    await signer.stop();
  }
};
