import { type AccountId, accountId, parseAccountId } from '../../protocol/account-id.ts';
import { type Address, isAddress } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/checksum.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import type { Session } from './session.ts';
import { printable } from './text.ts';
import { collected, type AdminClient } from './admin-client.ts';
import { isRefusal } from './refusal.ts';
import { treeBelow } from './account-tree.ts';

/** The account that a word on the command line names: CAIP-10, an address, a key of this machine, or a label. @throws CliError */
export const accountNamed = async (admin: AdminClient, text: string): Promise<AccountId> => {
  const lower = text.toLowerCase();
  if (parseAccountId(lower) !== undefined) return lower as AccountId;
  const address = parseAddress(text) ?? (await addressOfKey(admin.session, text));
  if (address !== undefined) return accountId((await admin.networks())[0].network, address);
  if (isAddress(lower)) {
    throw usageError(
      'That address has a wrong checksum.',
      'Copy it again, or write it in lower case.',
    );
  }
  const labelled = await accountsLabelled(admin, text);
  const [only] = labelled;
  if (labelled.length > 1) {
    throw usageError(
      `${labelled.length} accounts have that label.`,
      `Say which: ${labelled.slice(0, 4).join(', ')}.`,
    );
  }
  if (only !== undefined) return only;
  throw new CliError('No key of this machine and no account of yours has that name.', {
    hint: 'Use a name of `countersign keys list`, a label of `countersign accounts tree`, an address, or eip155:<chain>:0x….',
    exit: EXIT.failed,
    code: 'unknown_name',
  });
};

/** As `accountNamed`, of an argument that may be missing: then whoever signs. */
export const accountOrOwn = async (
  admin: AdminClient,
  text: string | undefined,
): Promise<AccountId> => (text === undefined ? await admin.own() : await accountNamed(admin, text));

const addressOfKey = async ({ profile }: Session, text: string): Promise<Address | undefined> => {
  try {
    return (await profile.named(text)).address;
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.code === 'unknown_key') return undefined;
    throw thrown;
  }
};

const accountsLabelled = async (
  admin: AdminClient,
  label: string,
): Promise<readonly AccountId[]> => {
  if (label.length > 64) return [];
  if (admin.role === 'operator') {
    const found = await collected(admin, admin.list('accounts.list', { query: { label } }), 500);
    return found.filter((item) => item.label === label).map(({ account }) => account);
  }
  const below = await treeBelow(admin, await admin.own()).catch((thrown: unknown) => {
    // Only an owner without an account has no tree: any other failure must not pass for an unknown name.
    if (isRefusal(thrown, 'unknown_account')) return [];
    throw thrown;
  });
  return [...new Set(below.filter((node) => node.label === label).map(({ account }) => account))];
};

/** Names of this machine for accounts: keys, agents of fleets, people of a local stack. */
export type Names = {
  /** A name for people: of a key of this machine, with the label that the account has; or one of them, or the address. */
  of(account: string, label?: string): string;
  readonly known: ReadonlyMap<string, string>;
};

export const namesOf = async ({ keystore, profile }: Session): Promise<Names> => {
  const known = new Map<string, string>();
  const stack = await profile.stack();
  if (stack !== undefined) {
    stack.agents.forEach(({ address }, index) =>
      known.set(address.toLowerCase(), `agent${index + 1}`),
    );
    for (const role of ['agent', 'owner', 'operator'] as const)
      known.set(stack[role].address.toLowerCase(), role);
    known.set(stack.payTo.toLowerCase(), 'the gateway');
  }
  for (const entry of await keystore.entries()) {
    if (entry.kind === 'key') known.set(entry.address, entry.name);
    else
      for (const { address, name } of entry.agents)
        known.set(address.toLowerCase(), `${entry.name}/${name}`);
  }
  return {
    known,
    of: (account, label) => {
      const address = account.slice(account.lastIndexOf(':') + 1);
      const name = known.get(address.toLowerCase());
      const said = label === undefined ? undefined : printable(label);
      if (said === undefined || said === name) return name ?? address;
      if (name !== undefined) return `${name} (${said})`;
      // A label is somebody else's word: it must not pass for a key of this machine.
      return [...known.values()].includes(said) ? `${address} (${said})` : said;
    },
  };
};
