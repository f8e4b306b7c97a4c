import type { Signer } from '../../client/signer.ts';
import type { Hex } from '../../core/hex.ts';
import { readAgent } from './agent-file.ts';
import { CliError, EXIT, usageError } from './errors.ts';
import { type FleetAgent, type FleetEntry, isKeyName, type Keystore } from './keystore.ts';
import {
  isLoopback,
  localKeyNamed,
  localNames,
  type LocalStack,
  readStack,
} from './local-stack.ts';

export type Role = 'operator' | 'owner' | 'agent';

/** A key that `--as` can name. */
export type Identity = {
  /** E.g. `treasury`, `team/alice`, `owner`. */
  readonly name: string;
  readonly address: Hex;
  readonly from: 'keystore' | 'stack' | 'signer';
  /** Decrypts the key, and asks for its password; for an agent at a signer, opens its account there. */
  readonly open: () => Promise<Signer>;
};

/** The gateway to call and the key that signs. */
export type Profile = {
  /** The gateway's origin, from --gateway, COUNTERSIGN_GATEWAY or a running `npm start`. @throws CliError usage */
  gateway(): Promise<string>;
  /** As `gateway`; undefined if none is configured. */
  gatewayIfAny(): Promise<string | undefined>;
  /**
   * The signer for calls of an origin: the key of `--as`, else the only key in the keystore, else the key of this role in the local
   * stack. Keys of a local stack are public, so they sign for this machine only.
   *
   * @throws CliError
   */
  signer(role: Role, origin: string): Promise<Signer>;
  /** The identity with this name, as `--as` takes it. @throws CliError */
  named(name: string): Promise<Identity>;
  /** The identity with this address, if this machine holds its key. */
  holder(address: Hex): Promise<Identity | undefined>;
  stack(): Promise<LocalStack | undefined>;
};

export type ProfileOptions = {
  /** `--gateway` */
  readonly gateway: string | undefined;
  /** `--as` */
  readonly as: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly keystore: Keystore;
  /** Directory of the agents at signers. */
  readonly agents: string;
};

/** The origin of a URL. @throws CliError usage, which names where the URL came from */
export const originOf = (text: string, source: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin;
  throw usageError(
    `${source} is not an http or https URL.`,
    `Give the origin of a gateway, e.g. ${source.startsWith('-') ? `${source} ` : ''}https://gateway.example.`,
  );
};

export const createProfile = (options: ProfileOptions): Profile => {
  const { env, keystore, directory } = options;
  let read: Promise<LocalStack | undefined> | undefined;
  const stack = async () => await (read ??= readStack(directory));

  const gatewayIfAny = async (): Promise<string | undefined> => {
    if (options.gateway !== undefined) return originOf(options.gateway, '--gateway');
    const inEnvironment = env['COUNTERSIGN_GATEWAY'] ?? '';
    if (inEnvironment !== '') return originOf(inEnvironment, 'COUNTERSIGN_GATEWAY');
    return (await stack())?.gateway;
  };

  const named = async (name: string): Promise<Identity> => {
    const found =
      (await findInKeystore(keystore, name)) ?? (await findAtSigner(options.agents, name));
    if (found !== undefined) return found;
    const local = await stack();
    const key = local && localKeyNamed(local, name);
    if (key === undefined) throw unknownKey(local, await keystore.unreadable());
    // Also refused as the holder of a grant: every reader of the sources could spend the grant.
    const gateway = await gatewayIfAny();
    if (gateway !== undefined && !isLoopback(gateway)) throw publicKey(name, gateway);
    return {
      name,
      address: key.address.toLowerCase() as Hex,
      from: 'stack',
      open: async () => await accountOf(key.privateKey as Hex),
    };
  };

  const identity = async (role: Role): Promise<Identity> => {
    const name = options.as ?? env['COUNTERSIGN_AS'] ?? '';
    if (name !== '') return await named(name);
    const entries = await keystore.entries();
    const keys = entries.filter(({ kind }) => kind === 'key');
    const names = entries.flatMap((entry) =>
      entry.kind === 'key'
        ? [entry.name]
        : entry.agents.map((each) => `${entry.name}/${each.name}`),
    );
    const local = await stack();
    const [only] = keys;
    const unreadable = await keystore.unreadable();
    // An unreadable file may hold the key that the caller meant.
    if (local === undefined && only !== undefined && keys.length === 1 && unreadable.length === 0)
      return await named(only.name);
    if (local !== undefined && (await gatewayIfAny()) === local.gateway) return await named(role);
    throw usageError(
      'The command does not know which key signs.',
      names.length === 0
        ? 'Create a key with `countersign keys new <name>`, then give --as <name>.'
        : `${unreadableText(unreadable)}Give --as <name>, e.g. --as ${names[0]}. This machine has ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' and more: `countersign keys list`' : ''}.`,
    );
  };

  return {
    gatewayIfAny,
    gateway: async () => {
      const gateway = await gatewayIfAny();
      if (gateway !== undefined) return gateway;
      throw usageError(
        'The command does not know which gateway to call.',
        'Give --gateway <origin>, e.g. --gateway https://gateway.example, or set COUNTERSIGN_GATEWAY. Without one, run the command in the directory where the gateway runs on this machine: with `npm run dev` in a project, with `npm start` in the repository.',
      );
    },
    signer: async (role, origin) => {
      const { from, name, open } = await identity(role);
      if (from === 'stack' && !isLoopback(origin)) throw publicKey(name, origin);
      return await open();
    },
    named,
    holder: async (address) => {
      for (const entry of await keystore.entries()) {
        if (entry.kind === 'key') {
          if (entry.address === address) return await named(entry.name);
          continue;
        }
        const agent = entry.agents.find((each) => each.address.toLowerCase() === address);
        if (agent !== undefined) return fleetIdentity(keystore, entry, agent);
      }
      const local = await stack();
      const name = local && localNames(local).get(address);
      return name === undefined ? undefined : await named(name);
    },
    stack,
  };
};

/** `key`, `fleet/agent` (by name or number), or the agent's name alone if only one fleet has it. */
const findInKeystore = async (keystore: Keystore, name: string): Promise<Identity | undefined> => {
  const [first = '', agentName] = name.split('/');
  const entry = await keystore.entry(first);
  if (entry?.kind === 'key' && agentName === undefined) {
    const open = async () =>
      await accountOf(`0x${Buffer.from(await keystore.secret(entry)).toString('hex')}`);
    return { name, address: entry.address, from: 'keystore', open };
  }
  if (entry?.kind === 'fleet') {
    if (agentName === undefined) {
      throw usageError(
        `${first} is a fleet of ${entry.agents.length} agents.`,
        `Name one of its agents, e.g. ${first}/${entry.agents[0]?.name ?? '0'}.`,
      );
    }
    const agent = entry.agents.find(
      (each) => each.name === agentName || String(each.index) === agentName,
    );
    return agent && fleetIdentity(keystore, entry, agent);
  }
  if (agentName !== undefined) return undefined;
  const found = (await keystore.entries()).flatMap((fleet) =>
    fleet.kind === 'fleet'
      ? fleet.agents.filter((agent) => agent.name === name).map((agent) => ({ fleet, agent }))
      : [],
  );
  if (found.length > 1) {
    throw usageError(
      `Several fleets have an agent named ${name}.`,
      `Name the fleet as well: ${found.map(({ fleet }) => `${fleet.name}/${name}`).join(', ')}.`,
    );
  }
  return found[0] && fleetIdentity(keystore, found[0].fleet, found[0].agent);
};

/** An agent whose wallet key a signer holds. */
const findAtSigner = async (directory: string, name: string): Promise<Identity | undefined> => {
  const stored = isKeyName(name) ? await readAgent(directory, name) : undefined;
  if (stored === undefined) return undefined;
  const open = async () => {
    const { remoteAccount } = await import('../../client/remote-account.ts');
    return await remoteAccount(stored);
  };
  const address = stored.address ?? (await open()).address;
  return { name, address: address.toLowerCase() as Hex, from: 'signer', open };
};

const fleetIdentity = (keystore: Keystore, entry: FleetEntry, agent: FleetAgent): Identity => ({
  name: `${entry.name}/${agent.name}`,
  address: agent.address,
  from: 'keystore',
  open: async () => {
    const mnemonic = new TextDecoder().decode(await keystore.secret(entry));
    const { fleet } = await import('../../client/fleet.ts');
    return fleet(mnemonic, { organisation: entry.organisation }).agent(agent.index);
  },
});

const accountOf = async (privateKey: Hex): Promise<Signer> => {
  const { privateKeyToAccount } = await import('viem/accounts');
  return privateKeyToAccount(privateKey);
};

/** Does not repeat the name: it may be a private key pasted into the wrong place. */
const unknownKey = (local: LocalStack | undefined, unreadable: readonly string[]): CliError =>
  new CliError('No key, fleet agent or local-stack identity has that name.', {
    hint:
      unreadableText(unreadable) +
      (local === undefined
        ? '`countersign keys list` and `countersign fleet list` print the names.'
        : 'Use operator, owner, agent, agent1 … of the local stack, or a name that `countersign keys list` or `countersign fleet list` prints.'),
    exit: EXIT.unauthorised,
    code: 'unknown_key',
  });

const unreadableText = (files: readonly string[]): string =>
  files.length === 0 ? '' : `The command cannot read ${files.join(', ')}. `;

const publicKey = (name: string, origin: string): CliError =>
  new CliError(
    `${name} is a key of a local stack, whose private key is public. It does not sign for ${origin}.`,
    {
      hint: 'Give --as <name> with a key of your own: `countersign keys new <name>` makes one.',
      exit: EXIT.unauthorised,
      code: 'public_key',
    },
  );
