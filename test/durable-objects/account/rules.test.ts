import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { openRules } from '../../../durable-objects/account/ledger.ts';

it('counts an absent variable as empty: a Worker that mounts the gateway sets those that it needs', () => {
  const empty = openRules({ ...env, DEFAULT_POLICY: '', COMMAND_BYTES_PER_DAY: '' })();
  const { DEFAULT_POLICY: _, COMMAND_BYTES_PER_DAY: __, ...absent } = env;
  expect(openRules(absent as Env)()).toEqual(empty);
});
