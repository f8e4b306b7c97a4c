import { beforeEach, describe, expect, test } from 'vitest';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { useSharedStack } from './support/stack.ts';

const { putStackFile } = useSharedStack();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (...words: readonly string[]): Promise<Ran> => await pipe(place, words);
const PATIENCE = { timeout: 60_000, interval: 1_000 };

type Listed = { readonly approvals: readonly { readonly call: string }[] };

const waiting = async (): Promise<string | undefined> =>
  (documentIn(await run('approvals', 'list', '--json')) as Listed).approvals[0]?.call;

/** Starts a call that costs more than an agent may spend without approval, and waits until the account lists it. */
const startCall = async (text: string) => {
  const data = JSON.stringify({ text });
  const call = run('call', '/tools/report', '-d', data, '--as', 'agent');
  await expect.poll(waiting, PATIENCE).toBeDefined();
  return { call, id: (await waiting()) ?? '' };
};

describe('approvals', () => {
  test('shows a call that waits, and lets it run or refuses it', async () => {
    const set = await run('policy', 'set', 'agent', '--approve-above', '0.01', '--operator');
    expect(set.code, set.stderr).toBe(0);
    const shown = await run('policy', 'get', 'agent', '--operator');
    expect(shown.stdout).toContain('$0.01');

    const first = await startCall('Approve this.');
    const list = await run('approvals', 'list');
    expect(list.stdout).toMatch(/report +\$0\.05 +\$0\.01/);
    const short = `${first.id.slice(0, 10)}…${first.id.slice(-4)}`;
    const one = await run('approvals', 'show', 'agent', short, '--operator');
    expect(one.stdout).toContain('waiting for a person');
    expect(one.stdout).toMatch(/who decides +operators/);
    const approved = await run('approvals', 'approve', 'agent', short, '--operator');
    expect(approved.code, approved.stderr).toBe(0);
    const ran = await first.call;
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain(`countersign approvals approve`);
    const again = await run('approvals', 'approve', 'agent', first.id, '--operator');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('its caller has run it');

    await expect.poll(waiting, PATIENCE).toBeUndefined();
    const second = await startCall('Refuse this.');
    const refused = await run(
      ...['approvals', 'refuse', 'agent', second.id, '--operator', '--reason', 'too dear'],
    );
    expect(refused.code, refused.stderr).toBe(0);
    const stopped = await second.call;
    expect(stopped.code).not.toBe(0);
    expect(stopped.stderr).toContain('refused the call');
  });
});
