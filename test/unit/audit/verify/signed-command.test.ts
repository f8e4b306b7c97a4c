import { describe, expect, it } from 'vitest';
import { openCommands } from '../../../../src/audit/verify/signed-command.ts';
import type { Entry, EntryBody } from '../../../../src/protocol/entry.ts';
import { START, word } from '../history.ts';
import {
  ACCOUNT,
  counts,
  type Evidence,
  faultOf,
  granted,
  logOf,
  NONE,
  ordered,
  OTHER,
  signedCommand,
} from './signed-log.ts';

const CALL = word(4);

/** A command sent to a route, in an entry of any type. */
const sentTo = async (
  method: string,
  target: string,
  entry: Partial<EntryBody>,
  changes: Evidence = {},
): Promise<EntryBody> => ({
  ...ordered({ ...(await signedCommand({ method, target })), ...changes }),
  ...entry,
});

const OPERATOR = { role: 'operator' } as const;
const own = `/accounts/${ACCOUNT}`;
const admin = `/admin/accounts/${ACCOUNT}`;
const payment = `/admin/settlements/${ACCOUNT}/${CALL}`;
const named = (name: string): Partial<EntryBody> => ({ outcome: { name } });

describe('a command', () => {
  it.each<[string, string, Partial<EntryBody>, Evidence]>([
    ['PUT', own, { type: 'account.label' }, {}],
    ['PUT', `${own}/status`, { type: 'account.status' }, {}],
    ['PUT', `${own}/policy`, { type: 'account.policy', decision: 'owner' }, {}],
    ['DELETE', `${own}/policy`, { type: 'account.policy', decision: 'owner' }, {}],
    ['PUT', `${own}/default-grant`, { type: 'grant.default' }, {}],
    ['PUT', `${own}/webhooks/ops`, { type: 'webhook.put', ...named(`${ACCOUNT}/ops`) }, {}],
    ['PUT', `${own.replaceAll(':', '%3A')}/status`, { type: 'account.status' }, {}],
    ['PUT', admin, { type: 'account.label' }, OPERATOR],
    ['PUT', `${admin}/policy`, { type: 'account.policy', decision: 'operator' }, OPERATOR],
    ['POST', `${admin}/credit`, { type: 'credit.adjusted' }, OPERATOR],
    ['POST', '/admin/credits/refunds', { type: 'credit.refunded' }, OPERATOR],
    ['PUT', '/admin/tools/echo', { type: 'tool.put', ...named('echo') }, OPERATOR],
    ['DELETE', '/admin/tools/echo', { type: 'tool.removed', ...named('echo') }, OPERATOR],
    ['DELETE', '/admin/webhooks/ops', { type: 'webhook.removed', ...named('*/ops') }, OPERATOR],
    ['POST', '/admin/secrets/rewrap', { type: 'secret.put', ...named('vault key') }, OPERATOR],
    ['DELETE', '/admin/secrets/key', { type: 'secret.removed', ...named('key') }, OPERATOR],
    ['POST', `${payment}/redrive`, { type: 'settlement.redriven', call: CALL }, OPERATOR],
    ['POST', `${payment}/resolve`, { type: 'call.resolved', call: CALL }, OPERATOR],
    ['POST', `/admin/calls/${ACCOUNT}/${CALL}/refund`, { type: 'call.refunded', call: CALL }, OPERATOR],
    ['POST', '/admin/dead-letters/YS9i/redrive', { type: 'letter.redriven' }, OPERATOR],
    ['POST', '/admin/dead-letters/YS9i/redrive', { type: 'settlement.redriven', call: CALL }, OPERATOR],
  ])('proves the entry that its route writes: %s %s', async (method, target, entry, changes) => {
    expect(await counts(await sentTo(method, target, entry, changes))).toEqual({ ...NONE, proved: 1 });
  }); // prettier-ignore

  it.each<[string, string, string, Partial<EntryBody>, Evidence]>([
    ['of another kind', 'PUT', own, { type: 'account.status' }, {}],
    ['with another method', 'GET', `${own}/policy`, { type: 'account.policy', decision: 'owner' }, {}],
    ['of another account', 'PUT', `/accounts/${OTHER}/status`, { type: 'account.status' }, {}],
    ['of the other slot', 'PUT', `${own}/policy`, { type: 'account.policy', decision: 'operator' }, {}],
    ['of another role', 'PUT', `${own}/status`, { type: 'account.status' }, OPERATOR],
    ['of another name', 'PUT', '/admin/tools/echo', { type: 'tool.put', ...named('other') }, OPERATOR],
    ['of another call', 'POST', `${payment}/resolve`, { type: 'call.resolved', call: word(5) }, OPERATOR],
    ['that only an operator may write', 'POST', `${admin}/credit`, { type: 'credit.adjusted' }, {}],
  ])('proves no entry %s', async (_, method, target, entry, changes) => {
    expect(await faultOf([await sentTo(method, target, entry, changes)])).toBe(
      'evidence.order.target: mismatch',
    );
  }); // prettier-ignore

  it('writes one entry of a name: a second one repeats it', async () => {
    expect(await faultOf([ordered(), ordered()])).toBe('evidence.order: repeated');
    const rewrapped = async (name: string) =>
      sentTo('POST', '/admin/secrets/rewrap', { type: 'secret.put', ...named(name) }, OPERATOR);
    expect(await counts(await rewrapped('a'), await rewrapped('b'))).toEqual({
      ...NONE,
      proved: 2,
    });
  });
});

describe('the signer of an owner’s command', () => {
  const byPayer = async (): Promise<Entry> => {
    const stranger = await sentTo('PUT', `/accounts/${OTHER}/status`, { type: 'account.status' });
    return logOf([stranger], OTHER)[0] as Entry;
  };
  const tookFrom = (...above: readonly string[]): Entry =>
    ({ ...logOf([granted({}, 'grant.taken')], OTHER)[0], outcome: { above } }) as Entry;

  const remaining = (...ancestors: readonly string[]): Entry =>
    ({
      ...logOf([{ type: 'alert.raised', at: START }], OTHER)[0],
      outcome: { ancestors },
    }) as Entry;

  it('is the account itself only as long as nobody is above it', async () => {
    const [itself] = logOf([ordered()]) as [Entry];
    expect(openCommands(true).check(itself).ok).toBe(true);
    const governed = openCommands(true);
    governed.note(tookFrom(OTHER));
    expect(governed.check(itself)).toMatchObject({ error: { field: 'evidence.by' } });
  });

  it('is above the account at that place of its chain', async () => {
    const command = await byPayer();
    const refused = { ok: false, error: { field: 'evidence.by', reason: 'mismatch' } };
    expect(openCommands(true).check(command)).toMatchObject(refused);
    const commands = openCommands(true);
    commands.note(tookFrom(ACCOUNT));
    expect(commands.check(command).ok).toBe(true);
    const moved = openCommands(true);
    moved.note(tookFrom(ACCOUNT));
    moved.note(tookFrom(`eip155:84532:0x${'33'.repeat(20)}`));
    expect(moved.check(command)).toMatchObject(refused);
    const cutOff = openCommands(true);
    cutOff.note(tookFrom(ACCOUNT, `eip155:84532:0x${'33'.repeat(20)}`));
    cutOff.note(remaining(`eip155:84532:0x${'33'.repeat(20)}`));
    expect(cutOff.check(command)).toMatchObject(refused);
    // The file starts after the chain's first entry, so it may not show the account's ancestors.
    expect(openCommands(false).check(command).ok).toBe(true);
  });
});
