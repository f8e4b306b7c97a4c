import { type Address, isAddress } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/address.ts';
import type { ItemOf } from '../../management/routes.ts';
import { accountId, type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { type AdminClient, collected } from './admin-client.ts';
import { CliError, isRefusal, usageError } from './errors.ts';
import { localNames } from './local-stack.ts';
import type { NameOf } from './next-step.ts';
import type { Session } from './session.ts';
import { printable } from './text.ts';

/** A descendant of an account, by one of the grants that lead to it. */
type TreeNode = Omit<ItemOf<'account.tree'>, 'label'> & {
  readonly parent: AccountId;
  readonly depth: number;
  readonly label: string | undefined;
  /** The account's status; undefined if the signer may not see the account. */
  readonly standing: string | undefined;
};

/** Bounds the requests of one command: at most 500 accounts, eight at a time. */
const MAX_ACCOUNTS = 500;
const AT_ONCE = 8;
const MAX_DEPTH = 3;

/** Reads all descendants of an account, each after its parent. */
export const treeBelow = async (
  admin: AdminClient,
  root: AccountId,
): Promise<readonly TreeNode[]> =>
  await admin.session.progress.during('reading the tree', async () => {
    const seen = new Map<string, Promise<Seen>>();
    const look = async (account: AccountId): Promise<Seen> => {
      const known = seen.get(account) ?? readAccount(admin, account);
      seen.set(account, known);
      return await known;
    };
    const nodes: TreeNode[] = [];
    const walk = async (parent: AccountId, depth: number): Promise<void> => {
      if (depth > MAX_DEPTH) return;
      const items: ItemOf<'account.tree'>[] = [];
      for await (const item of admin.list('account.tree', { params: { account: parent } })) {
        items.push(item);
        if (nodes.length + items.length >= MAX_ACCOUNTS) break;
      }
      for (let at = 0; at < items.length; at += AT_ONCE)
        await Promise.all(
          items.slice(at, at + AT_ONCE).map(async ({ account }) => await look(account)),
        );
      for (const item of items) {
        if (nodes.length >= MAX_ACCOUNTS) return;
        const isFirst = !nodes.some(({ account }) => account === item.account);
        nodes.push({ ...item, parent, depth, ...(await look(item.account)) });
        // The descendants of an account are private until its holder consents to the grant.
        if (isFirst && nodes.at(-1)?.standing !== undefined) await walk(item.account, depth + 1);
      }
    };
    await walk(root, 1);
    return nodes;
  });

type Seen = Pick<TreeNode, 'label' | 'standing'>;

const readAccount = async (admin: AdminClient, account: AccountId): Promise<Seen> => {
  try {
    const { body } = await admin.call('account.get', { params: { account } });
    return { label: body.label, standing: body.status };
  } catch (thrown) {
    // The holder has not consented: the issuer may not see the account.
    if (isRefusal(thrown, 'unknown_account')) return { label: undefined, standing: undefined };
    throw thrown;
  }
};

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
      // Attack: another party chooses the label so that it looks like a key of this machine.
      return [...known.values()].includes(shown) ? `${address} (${shown})` : shown;
    },
  };
};

/** The name that this machine has for an account, as options accept it. */
export const nameOf = async (session: Session): Promise<NameOf> => {
  const { known } = await namesOf(session);
  return (account) => known.get(account.slice(account.lastIndexOf(':') + 1).toLowerCase());
};
