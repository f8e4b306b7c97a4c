import type { Hex } from '../../core/hex.ts';
import type { Signer } from '../../client/signer.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import type { Entry, FleetAgent, Keystore } from './keystore.ts';
import { isLoopback, type LocalStack, nameOfPerson, personOf, readStack } from './local-stack.ts';

export type StackRole = 'operator' | 'owner' | 'agent';

/** A key that can be named: whose address it is, and how it is had. */
export type Identity = {
  /** E.g. `treasury`, `team/alice`, `owner`. */
  readonly name: string;
  readonly address: Hex;
  readonly from: 'keystore' | 'stack';
  /** Decrypts it, asking for the password if it has one. */
  readonly open: () => Promise<Signer>;
};

/** Which gateway is meant, and who signs. */
export type Profile = {
  /** Origin of the gateway, from --gateway, COUNTERSIGN_GATEWAY or a running `npm start`. @throws CliError */
  gateway(): Promise<string>;
  /** As `gateway`; undefined where none is named. */
  gatewayIfAny(): Promise<string | undefined>;
  /** Whoever --as names; else the only key there is; else of a local stack the one of this role. @throws CliError */
  identity(role: StackRole): Promise<Identity>;
  /**
   * Its signer for calls of an origin. Keys of a local stack are known to everybody: they sign for nothing but this machine.
   * @throws CliError
   */
  signer(role: StackRole, origin: string): Promise<Signer>;
  /** A name as `--as` takes it, to an identity. @throws CliError */
  named(name: string): Promise<Identity>;
  /** The key of an address, where this machine holds it. */
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
  readonly signal: AbortSignal;
};

/** @throws CliError */
export const originOf = (text: string, where: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.origin;
  throw usageError(
    `${where} is no http or https address.`,
    'Give the origin of a gateway, e.g. https://gateway.example.',
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
    const found = await inKeystore(keystore, name);
    if (found !== undefined) return found;
    const local = await stack();
    const person = local && personOf(local, name);
    if (person === undefined) throw unknown(local);
    // Not even as the one who is granted something: whoever reads the sources would have it, too.
    const gateway = await gatewayIfAny();
    if (gateway !== undefined && !isLoopback(gateway)) throw publicKey(name, gateway);
    return {
      name,
      address: person.address.toLowerCase() as Hex,
      from: 'stack',
      open: async () => await accountOf(person.privateKey as Hex),
    };
  };

  const identity = async (role: StackRole): Promise<Identity> => {
    const name = options.as ?? env['COUNTERSIGN_AS'] ?? '';
    if (name !== '') return await named(name);
    const keys = (await keystore.entries()).filter(({ kind }) => kind === 'key');
    const local = await stack();
    const [only] = keys;
    if (local === undefined && only !== undefined && keys.length === 1) {
      return await named(only.name);
    }
    if (local !== undefined && (await gatewayIfAny()) === local.gateway) return await named(role);
    throw unnamed(keys.map((key) => key.name));
  };

  return {
    gatewayIfAny,
    holder: async (address) => {
      for (const entry of await keystore.entries()) {
        if (entry.kind === 'key' && entry.address === address) return await named(entry.name);
        if (entry.kind !== 'fleet') continue;
        const agent = entry.agents.find((each) => each.address.toLowerCase() === address);
        if (agent !== undefined) return ofFleet(keystore, entry, agent);
      }
      const local = await stack();
      const name = local && nameOfPerson(local, address);
      return name === undefined ? undefined : await named(name);
    },
    gateway: async () => {
      const gateway = await gatewayIfAny();
      if (gateway !== undefined) return gateway;
      throw usageError(
        'No gateway is named.',
        'Give --gateway <origin> or COUNTERSIGN_GATEWAY, or run the command where `npm start` runs.',
      );
    },
    identity,
    named,
    stack,
    signer: async (role, origin) => {
      const who = await identity(role);
      if (who.from === 'stack' && !isLoopback(origin)) throw publicKey(who.name, origin);
      return await who.open();
    },
  };
};

/** A key, or an agent of a fleet: `fleet/agent`, by name or number, or its name alone where only one has it. */
const inKeystore = async (keystore: Keystore, name: string): Promise<Identity | undefined> => {
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
        `Name one of them, e.g. ${first}/${entry.agents[0]?.name ?? '0'}.`,
      );
    }
    const agent = entry.agents.find(
      (each) => each.name === agentName || String(each.index) === agentName,
    );
    return agent && ofFleet(keystore, entry, agent);
  }
  if (agentName !== undefined) return undefined;
  const having = (await keystore.entries()).flatMap((each) =>
    each.kind === 'fleet'
      ? each.agents.filter((agent) => agent.name === name).map((agent) => ({ fleet: each, agent }))
      : [],
  );
  if (having.length > 1) {
    throw usageError(
      `Several fleets have an agent named ${name}.`,
      `Say which: ${having.map(({ fleet }) => `${fleet.name}/${name}`).join(', ')}.`,
    );
  }
  return having[0] && ofFleet(keystore, having[0].fleet, having[0].agent);
};

const ofFleet = (
  keystore: Keystore,
  fleetEntry: Extract<Entry, { readonly kind: 'fleet' }>,
  agent: FleetAgent,
): Identity => ({
  name: `${fleetEntry.name}/${agent.name}`,
  address: agent.address,
  from: 'keystore',
  open: async () => {
    const mnemonic = new TextDecoder().decode(await keystore.secret(fleetEntry));
    const { fleet } = await import('../../client/fleet.ts');
    return fleet(mnemonic, { organisation: fleetEntry.organisation }).agent(agent.index);
  },
});

const accountOf = async (privateKey: Hex): Promise<Signer> => {
  const { privateKeyToAccount } = await import('viem/accounts');
  return privateKeyToAccount(privateKey);
};

// The name is not repeated: it may be a private key that was pasted into the wrong place.
const unknown = (local: LocalStack | undefined): CliError =>
  new CliError('No key, agent of a fleet or person of a local stack has that name.', {
    hint:
      local === undefined
        ? '`countersign keys list` and `countersign fleet list` show what there is.'
        : 'Use operator, owner, agent, agent1 … of the local stack, or a name of `countersign keys list`.',
    exit: EXIT.unauthorised,
    code: 'unknown_key',
  });

const unnamed = (names: readonly string[]): CliError =>
  usageError(
    'Nobody is named to sign.',
    names.length === 0
      ? 'Make a key with `countersign keys new <name>`, then give --as <name>.'
      : `Give --as <name>: ${names.slice(0, 8).join(', ')}.`,
  );

const publicKey = (name: string, origin: string): CliError =>
  new CliError(
    `${name} is a key of a local stack, which everybody knows. It does not sign for ${origin}.`,
    {
      hint: 'Give --as <name> with a key of your own.',
      exit: EXIT.unauthorised,
      code: 'public_key',
    },
  );
