import { type Address, isAddress } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/checksum.ts';
import { type AccountId, accountId, parseAccountId } from '../../protocol/account-id.ts';
import { treeBelow } from './account-tree.ts';
import { type AdminClient, collected } from './admin-client.ts';
import { isRefusal } from './error-of.ts';
import { CliError, usageError } from './errors.ts';
import { localNames } from './local-stack.ts';
import type { Session } from './session.ts';
import { printable } from './text.ts';

/** The account that an argument names: a CAIP-10 id, an address, a key of this machine, or a label. @throws CliError */
export const accountNamed = async (admin: AdminClient, text: string): Promise<AccountId> => {
  const lower = text.toLowerCase();
  if (parseAccountId(lower) !== undefined) return lower as AccountId;
  const address = parseAddress(text) ?? (await addressOfKey(admin.session, text));
  if (address !== undefined) return accountId((await admin.networks())[0].network, address);
  if (isAddress(lower)) {
    throw usageError(
      'The checksum of that address is wrong.',
      'Copy the address again, or write it in lower case.',
    );
  }
  const labelled = await accountsLabelled(admin, text);
  const [only] = labelled;
  if (labelled.length > 1) {
    throw usageError(
      `${labelled.length} accounts have that label.`,
      `Give the account: ${labelled.slice(0, 4).join(', ')}.`,
    );
  }
  if (only !== undefined) return only;
  throw new CliError('No key on this machine and no account that you may see has that name.', {
    hint: 'Use a name of `countersign keys list`, a label of `countersign accounts tree`, an address, or eip155:<chain>:0x….',
    code: 'unknown_name',
  });
};

/** As `accountNamed`; the signer's own account if the argument is missing. */
export const accountOrOwn = async (
  admin: AdminClient,
  text: string | undefined,
): Promise<AccountId> => (text === undefined ? await admin.own() : await accountNamed(admin, text));

const addressOfKey = async ({ profile }: Session, text: string): Promise<Address | undefined> => {
  try {
    return (await profile.named(text)).address;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_key')) return undefined;
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
    // An owner without an account has no tree. Any other failure must not read as an unknown name.
    if (isRefusal(thrown, 'unknown_account')) return [];
    throw thrown;
  });
  return [...new Set(below.filter((node) => node.label === label).map(({ account }) => account))];
};

/** Names for accounts: keys, fleet agents and local-stack identities of this machine, and labels. */
export type Names = {
  /** The name of this machine's key, with the account's label; else the label; else the address. */
  of(account: string, label?: string): string;
  /** Names of this machine by lower-case address. */
  readonly known: ReadonlyMap<string, string>;
};

export const namesOf = async ({ keystore, profile }: Session): Promise<Names> => {
  const stack = await profile.stack();
  const known = new Map(stack === undefined ? [] : localNames(stack));
  if (stack !== undefined) known.set(stack.payTo.toLowerCase(), 'the gateway');
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
      const shown = label === undefined ? undefined : printable(label);
      if (shown === undefined || shown === name) return name ?? address;
      if (name !== undefined) return `${name} (${shown})`;
      // Another party chooses a label: it must not pass for a key of this machine.
      return [...known.values()].includes(shown) ? `${address} (${shown})` : shown;
    },
  };
};
