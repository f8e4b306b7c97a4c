import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import { sendDocument } from '../../../../../src/dashboard/data/grants/send-document.ts';

const problem = (status: number, type: string) =>
  Response.json(
    { type: `urn:countersign:problem:${type}`, title: type, status },
    { status, headers: { 'Content-Type': 'application/problem+json' } },
  );

const sent = async (answer: () => Response | Promise<Response>) =>
  sendDocument('PUT', '/delegations', {}, async () => answer());

describe('a signed document', () => {
  it('is answered', async () => {
    expect(await sent(() => Response.json({ changed: true }))).toEqual({ changed: true });
  });

  it.each([
    ['no answer', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['a failure of the gateway', () => problem(500, 'internal')],
    ['a database that is away', () => problem(503, 'storage-unavailable')],
    ['an answer of a proxy', () => new Response('Bad gateway', { status: 502 })],
  ])('may be stored after %s, so it must be sent again as it is', async (_, answer) => {
    await expect(sent(answer)).rejects.toMatchObject({ code: 'command_lost', problem: undefined });
  });

  it('is not stored if the gateway refuses it', async () => {
    await expect(sent(() => problem(422, 'grant-refused'))).rejects.toMatchObject({
      code: 'refused',
      problem: { type: 'urn:countersign:problem:grant-refused' },
    });
  });

  it('did not leave if the page itself stops it', async () => {
    const stopped = new CountersignError('signer_failed', 'Another one is open.');
    await expect(sent(async () => await Promise.reject(stopped))).rejects.toBe(stopped);
  });
});
