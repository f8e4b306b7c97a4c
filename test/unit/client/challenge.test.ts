import { describe, expect, it } from 'vitest';
import { networkFor, readChallenge } from '../../../src/client/challenge.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import {
  checkIntentWindow,
  intentDigest,
  parseAgentIntent,
} from '../../../src/protocol/intent/agent-intent.ts';
import { bindIntent } from '../../../src/protocol/intent/binding.ts';
import {
  AGENT,
  agentOf,
  challenged,
  GATEWAY,
  NOW,
  problem,
  scripted,
  served,
  type Arrived,
} from './server.ts';

const URL_OF_FREE = `${GATEWAY}/tools/search?q=x`;

const signedOf = (arrived: Arrived | undefined) => {
  const parsed = parseAgentIntent(arrived?.headers.get('Agent-Intent') ?? '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

describe('a 401 of a gateway', () => {
  it('is answered with an intent for the request that authorizes no spending', async () => {
    const server = scripted(
      () => challenged(),
      async (arrived) => {
        const { intent, chainId } = signedOf(arrived);
        return await served(arrived, intentDigest(intent, chainId), { charged: '0' });
      },
    );
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_FREE, { method: 'POST', body: 'q' });
    const { intent, chainId, signature } = signedOf(server.arrived[1]);
    expect(server.arrived[1]?.redirect).toBe('manual');
    expect(chainId).toBe(84532);
    expect(verifyStrict(AGENT, intentDigest(intent, chainId), signature).ok).toBe(true);
    expect(checkIntentWindow(intent, NOW, 0).ok).toBe(true);
    const seen = {
      audience: GATEWAY,
      tool: 'search',
      method: 'POST',
      target: '/tools/search?q=x',
      contentType: 'text/plain;charset=UTF-8',
      payloadDigest: sha256Hex(utf8('q')),
    };
    expect(bindIntent(intent, seen).ok).toBe(true);
    expect([intent.maxAmount, BigInt(intent.payTo), BigInt(intent.asset)]).toEqual([0n, 0n, 0n]);
    expect(agent.spending().signed).toBe(0n);
    expect(answer.countersign).toMatchObject({ paid: 'none', binding: 'intent', charged: 0n });
  });

  it('is the answer when it repeats: the client does not sign twice', async () => {
    const server = scripted(
      () => challenged(),
      () => challenged(),
    );
    const answer = await agentOf(server).fetch(URL_OF_FREE);
    expect(answer.status).toBe(401);
    expect(answer.countersign.problem?.title).toBe('intent-required');
    expect(server.arrived).toHaveLength(2);
  });

  it('with another authentication scheme is the answer', async () => {
    const server = scripted(
      () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="a"' } }),
    );
    expect((await agentOf(server).fetch(URL_OF_FREE)).status).toBe(401);
  });

  it('for another audience gets no signature', async () => {
    const server = scripted(() => challenged());
    await expect(agentOf(server).fetch('https://evil.example/x')).rejects.toMatchObject({
      code: 'audience_mismatch',
    });
    expect(server.arrived).toHaveLength(1);
  });
});

const reading = async (header: string, body: unknown = {}) =>
  await readChallenge(
    Response.json(body, { status: 401, headers: { 'WWW-Authenticate': header } }),
  );

const GOOD = `AgentIntent audience="${GATEWAY}", chains="eip155:8453", tool="t"`;

describe('a challenge', () => {
  it('is found among challenges of other schemes', async () => {
    for (const header of [
      GOOD,
      `Bearer realm="a", ${GOOD}`,
      `${GOOD}, ERC8128 error="x"`,
      `Basic realm="AgentIntent audience=\\"no\\", x", ${GOOD}`,
    ]) {
      expect(await reading(header)).toEqual({
        audience: GATEWAY,
        tool: 't',
        networks: ['eip155:8453'],
        longest: 300,
        isPriced: false,
      });
    }
  });

  it('is not found inside quoted text', async () => {
    expect(await reading('Basic realm="x, AgentIntent audience=y"')).toBeUndefined();
  });

  it('can name its tool in the body', async () => {
    const header = `AgentIntent audience="${GATEWAY}", chains="eip155:8453"`;
    expect(await reading(header, { intent: { tool: 'search' } })).toMatchObject({ tool: 'search' });
  });

  it.each([
    ['no audience', 'AgentIntent chains="eip155:1", tool="t"', 'audience'],
    ['no tool', `AgentIntent audience="${GATEWAY}", chains="eip155:1"`, 'tool'],
    [
      'no known chain',
      `AgentIntent audience="a", chains="solana:1 eip155:9999", tool="t"`,
      'chain',
    ],
    ['two tools', `${GOOD}, tool="u"`, 'repeats'],
    ['two challenges', `${GOOD}, ${GOOD}`, 'two'],
    ['no number', `${GOOD}, max_validity="soon"`, 'max_validity'],
    ['too much', `${GOOD}, x="${'y'.repeat(9000)}"`, '8192'],
  ])('with %s is rejected', async (_, header, what) => {
    await expect(reading(header)).rejects.toMatchObject({ code: 'challenge_malformed' });
    await expect(reading(header)).rejects.toThrow(what);
  });

  it('with a shorter window gets an intent of that length', async () => {
    const server = scripted(
      () =>
        problem(401, 'intent-required', {}, { 'WWW-Authenticate': `${GOOD}, max_validity="40"` }),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_FREE);
    const { intent } = signedOf(server.arrived[1]);
    expect([intent.validAfter, intent.validBefore]).toEqual([BigInt(NOW - 10), BigInt(NOW + 30)]);
  });

  it('is signed for a chain that the agent may pay on, where the challenge has one', () => {
    const networks = ['eip155:1', 'eip155:8453'] as const;
    const challenge = { audience: GATEWAY, tool: 't', networks, longest: 300, isPriced: false };
    const base = 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913';
    expect(networkFor(challenge, new Set([base]))).toBe('eip155:8453');
    expect(networkFor(challenge, undefined)).toBe('eip155:1');
  });
});
