import type { Address } from '../../src/core/hex.ts';
import { err, ok, type Result } from '../../src/core/result.ts';
import { reactionTo } from '../../src/signer/backends/backend.ts';
import { sealBackup } from '../../src/signer/backup.ts';
import type { CommandFault, Enrolment, KeyringCommand } from '../../src/signer/keyring-contract.ts';
import { changePolicy, revoke, rotate } from './change-agents.ts';
import type { Changing } from './command.ts';
import { enrol } from './enrol.ts';
import type { Keys } from './keys.ts';
import { exportSeed, keepSeed } from './seed-command.ts';
import type { KeyringState } from './state.ts';

export { decideCommand } from './command.ts';

/**
 * Does the slow part of a command outside the transaction: derives children, asks key services, encrypts. The change that it returns checks
 * everything again in the transaction.
 */
export const prepareCommand = async (
  state: KeyringState,
  command: KeyringCommand,
  keys: Keys,
): Promise<Result<Changing, CommandFault>> => {
  switch (command.kind) {
    case 'policy':
      return ok(changePolicy(command));
    case 'revoke':
      return ok(revoke(command));
    case 'rotate':
      return ok(rotate(command));
    case 'seed': {
      const opened = await keys.open(state.seed);
      return opened.ok ? ok(keepSeed(opened.value.sealed)) : opened;
    }
    case 'backup': {
      if (state.seed === undefined) return malformed('body', 'needs a seed: make one first');
      const seed = await keys.seed(state.seed);
      if (!seed.ok) return seed;
      const backup = await sealBackup(state.owner, seed.value, command.recipient);
      return backup.ok
        ? ok(exportSeed(command.recipient, backup.value))
        : malformed('body.recipient', backup.error);
    }
    case 'enrol': {
      const addresses = await addressesOf(command.agents, keys);
      if (!addresses.ok) return addresses;
      const opened = await keys.open(state.seed);
      if (!opened.ok) return opened;
      const { sealed, fleet } = opened.value;
      return ok(
        enrol(command.agents, command.policy, { seed: sealed, fleet, addresses: addresses.value }),
      );
    }
  }
};

const malformed = (field: string, hint: string): Result<never, CommandFault> =>
  err({ reason: 'malformed_request', field, hint });

/** Asks the key services one after the other: their quotas are per second. */
const addressesOf = async (
  agents: readonly Enrolment[],
  keys: Keys,
): Promise<Result<ReadonlyMap<string, Address>, CommandFault>> => {
  const addresses = new Map<string, Address>();
  for (const [at, { key }] of agents.entries()) {
    if (key === undefined) continue;
    const address = await keys.address(key);
    if (!address.ok) {
      const { kind } = address.error;
      return malformed(
        `body.agents[${at}].key`,
        `names a key that cannot be used (${kind}). ${reactionTo(address.error).nextStep}`,
      );
    }
    addresses.set(key.name, address.value);
  }
  return ok(addresses);
};
