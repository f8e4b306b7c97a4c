import type { Address } from '../../core/hex.ts';
import { derived } from '../fleet/agents.ts';
import { isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { newKey } from '../lib/key-pair.ts';
import { isKeyName, newKeyName } from '../lib/keystore.ts';
import type { Identity } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';

/** `team/alice` → `team/alice-2`, `team/alice-2` → `team/alice-3`. */
export const nextName = (name: string): string => {
  const [, stem = name, count] = /^(.*?)(?:-([1-9][0-9]{0,3}))?$/.exec(name) ?? [];
  return `${stem}-${Number(count ?? 1) + 1}`;
};

/** The name of the new key: `--to`, in the fleet of the old key if it names none. */
export const successorName = (old: string, input: Input): string => {
  const given = input.text('to') ?? nextName(old);
  const [fleet, agent] = old.split('/');
  return agent === undefined || given.includes('/') ? given : `${fleet}/${given}`;
};

/** The key of a name on this machine; undefined if no key has it. @throws CliError for a damaged keystore */
export const keyNamed = async (
  { profile }: Session,
  name: string,
): Promise<Identity | undefined> => {
  try {
    return await profile.named(name);
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_key')) return undefined;
    throw thrown;
  }
};

/** Makes the new key: the next agent of a fleet, or a key of its own. @throws CliError if the name is not valid */
export const makeKey = async (session: Session, name: string): Promise<Address> => {
  const { keystore, progress } = session;
  const [first = '', agent] = name.split('/');
  if (agent === undefined) return (await newKey(keystore, newKeyName(name))).address;
  const fleet = await keystore.entry(first);
  // `fleet/7` names an agent by its index.
  if (fleet?.kind !== 'fleet' || !isKeyName(agent) || /^[0-9]+$/.test(agent)) {
    throw usageError(
      `${first} is not a fleet of this machine, or ${agent} is not a valid name.`,
      'Name the new key with --to, e.g. --to alice2.',
    );
  }
  const index = Math.max(-1, ...fleet.agents.map((each) => each.index)) + 1;
  const mnemonic = new TextDecoder().decode(await keystore.secret(fleet));
  const agents = await progress.during('deriving', async () =>
    derived(mnemonic, fleet.organisation, [{ index, name: agent }]),
  );
  await keystore.updateFleet({ ...fleet, agents: [...fleet.agents, ...agents] });
  const [made] = agents;
  if (made === undefined) throw new Error('the fleet derived no agent');
  return made.address;
};
