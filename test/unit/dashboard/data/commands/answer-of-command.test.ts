import { describe, expect, it } from 'vitest';
import { answerOfCommand } from '../../../../../src/dashboard/data/commands/answer-of-command.ts';

const INTENT = { headers: { 'agent-intent': 'signed' } };
/** A grant is a proof itself, so its request has no intent header. */
const DOCUMENT = { headers: {} };

const problem = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json(
    { type: 'https://gw.example/problems/rate-limited', title: 'Too many requests', status },
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  );

describe.each([
  ['an intent', INTENT],
  ['a grant', DOCUMENT],
])('the answer to %s', (_, command) => {
  it('leaves a repeat open if a rate limit stops it: the first attempt may have arrived', async () => {
    expect(await answerOfCommand(command, problem(429), true)).toEqual({ is: 'open' });
  });

  it('leaves a repeat open if a proxy stops it', async () => {
    const stopped = new Response('blocked', { status: 403 });
    expect(await answerOfCommand(command, stopped, true)).toEqual({ is: 'open' });
  });

  it('leaves a command open that the gateway is to be asked for again', async () => {
    const later = problem(409, { 'retry-after': '1' });
    expect(await answerOfCommand(command, later, false)).toEqual({ is: 'open' });
  });

  it('is a refusal if a rate limit stops the first attempt', async () => {
    expect(await answerOfCommand(command, problem(429), false)).toMatchObject({ is: 'refused' });
  });
});

it('leaves a grant open if the gateway fails between its two steps', async () => {
  expect(await answerOfCommand(DOCUMENT, problem(502), false)).toEqual({ is: 'open' });
});
