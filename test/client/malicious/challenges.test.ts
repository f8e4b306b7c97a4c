import { describe, expect, it } from 'vitest';
import { useStage } from '../support/victim.ts';

const stage = useStage();

/** Starts a server that challenges with this header and accepts every signed request. `$` in the header stands for the server's origin. */
const gate = async (header: string, body = '') =>
  await stage.mallory(({ proof, headers }, response) => {
    if (proof !== undefined) return void response.end('welcome');
    const own = `http://${headers.host ?? ''}`;
    response
      .writeHead(401, {
        'WWW-Authenticate': header.replaceAll('$', own),
        'Content-Type': 'application/problem+json',
      })
      .end(body);
  });

const GOOD =
  'AgentIntent error="intent_required", audience="$", chains="eip155:84532", max_validity="300", tool="thing"';

describe('a challenge', () => {
  it.each([
    GOOD,
    GOOD.replace('AgentIntent', 'agentintent'),
    `Basic realm="AgentIntent audience=\\"https://bank.example\\"", ${GOOD}`,
    `${GOOD}, Bearer realm="x"`,
    `Basic realm="x, AgentIntent audience=$, tool=x", ${GOOD}`,
    'AgentIntent   tool="thing" ,audience="$",   chains="eip155:1 eip155:84532"',
    'AgentIntent tool="th\\ing", audience="$", chains="eip155:84532"',
  ])('%j is signed, which costs nothing', async (header) => {
    const { url } = await gate(header);
    const { agent, ledger } = stage.victim();
    const answer = await agent.fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'welcome']);
    expect(ledger.intents).toMatchObject([{ audience: url, tool: 'thing', maxAmount: 0n }]);
    expect(ledger.transfers).toEqual([]);
    expect(answer.countersign).toMatchObject({ paid: 'none', binding: 'intent', charged: 0n });
  });

  it.each([
    [GOOD.replace('$', 'https://bank.example'), 'audience_mismatch'],
    [GOOD.replace('$', '$/'), 'audience_mismatch'],
    [GOOD.replace('$', '$.bank.example'), 'audience_mismatch'],
    [GOOD.replace('audience="$"', 'audience="$", audience="https://bank.example"'), 'challenge_malformed'],
    [GOOD.replace('audience="$"', 'audience="https://bank.example", AUDIENCE="$"'), 'challenge_malformed'],
    [GOOD.replace('audience="$", ', ''), 'challenge_malformed'],
    [GOOD.replace('audience="$"', 'audience=$'), 'challenge_malformed'],
    [GOOD.replace('audience="$"', 'audience="$'), 'challenge_malformed'],
    [GOOD.replace('chains="eip155:84532"', 'chains="solana:x"'), 'challenge_malformed'],
    [GOOD.replace('300', '-1'), 'challenge_malformed'],
    [GOOD.replace('300', '1e9'), 'challenge_malformed'],
    [GOOD.replace('tool="thing"', 'tool=""'), 'challenge_malformed'],
    [`${GOOD}, ${GOOD}`, 'challenge_malformed'],
    [`${GOOD.replace('thing', 'x'.repeat(300))}`, 'challenge_malformed'],
    [`${GOOD}, pad="${'x'.repeat(9000)}"`, 'challenge_malformed'],
  ])('%j is not signed', async (header, code) => {
    const { url, proofs } = await gate(header);
    const { agent, ledger } = stage.victim();
    const refused = await stage.refused(agent.fetch(url));
    expect(refused.code).toBe(code);
    expect([ledger.signatures, proofs()]).toEqual([[], []]);
  });

  it.each(['', 'Basic realm="x"', 'Bearer AgentIntent', 'Basic realm="AgentIntent audience=\\"$\\""', 'AgentIntents audience="$"', 'Basic realm="x, AgentIntent audience=$, tool=thing, chains=eip155:84532"'])(
    'of another scheme (%j) is left to the caller',
    async (header) => {
      const { url } = await gate(header);
      const { agent, ledger } = stage.victim();
      const answer = await agent.fetch(url);
      expect([answer.status, answer.countersign.paid, ledger.signatures]).toEqual([401, 'none', []]);
    },
  );

  it('with a window of a day is signed for minutes', async () => {
    const { url } = await gate(GOOD.replace('300', '86400'));
    const { agent, ledger } = stage.victim();
    await agent.fetch(url);
    const [signed] = ledger.intents;
    expect(Number((signed?.validBefore ?? 0n) - (signed?.validAfter ?? 0n))).toBeLessThanOrEqual(300);
  });

  it('after a signed intent ends the call', async () => {
    const { url, proofs } = await stage.mallory(({ headers }, response) => {
      response.writeHead(401, { 'WWW-Authenticate': GOOD.replaceAll('$', `http://${headers.host ?? ''}`) }).end();
    });
    const { agent, ledger } = stage.victim();
    expect((await agent.fetch(url)).status).toBe(401);
    expect([ledger.intents.length, proofs().length]).toEqual([1, 1]);
  });

  it('never makes the client sign a payment', async () => {
    const { url, received } = await gate(GOOD);
    const { agent, ledger } = stage.victim();
    await agent.fetch(url);
    expect(received.map(({ headers }) => headers['payment-signature'])).toEqual([undefined, undefined]);
    expect(ledger.transfers).toEqual([]);
  });
}); // prettier-ignore
