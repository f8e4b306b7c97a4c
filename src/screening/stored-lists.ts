import type { Address } from '../core/hex.ts';
import { readText } from '../core/read-text.ts';
import { MAX_LIST_BYTES, parseAddressList } from './address-list.ts';

/** Whether a list has an address; undefined if the list could not be read. */
export type StoredLists = (name: string, address: Address) => Promise<boolean | undefined>;

/** The object of a list in the bucket of the archive. */
export const listKey = (name: string): string => `screening/${name}.txt`;

/** How long an isolate uses a list before it asks R2 whether the list has changed, milliseconds. */
const CHECK_MS = 60_000;

type Known = { readonly etag: string; readonly addresses: ReadonlySet<Address>; checkedAt: number };

/** Opens the lists in a bucket. An isolate keeps each list, and reads it again only if its etag has changed. */
export const openStoredLists = (bucket: R2Bucket | undefined, now: () => number): StoredLists => {
  const lists = new Map<string, Known>();

  const load = async (name: string): Promise<Known | undefined> => {
    const known = lists.get(name);
    if (known !== undefined && now() < known.checkedAt + CHECK_MS) return known;
    const checkedAt = now();
    const found = await bucket?.get(
      listKey(name),
      known === undefined ? {} : { onlyIf: { etagDoesNotMatch: known.etag } },
    );
    if (found === undefined || found === null) return unreadable(name, 'it is not in the bucket');
    if (!('body' in found)) {
      if (known !== undefined) known.checkedAt = checkedAt;
      return known;
    }
    const text = await readText(found, MAX_LIST_BYTES);
    if (text === undefined) return unreadable(name, `it exceeds ${MAX_LIST_BYTES} bytes`);
    const parsed = parseAddressList(text);
    if (!parsed.ok) return unreadable(name, `line ${parsed.error} has no address`);
    const read = { etag: found.etag, addresses: parsed.value, checkedAt };
    lists.set(name, read);
    return read;
  };

  return async (name, address) => {
    try {
      return (await load(name))?.addresses.has(address);
    } catch (cause) {
      unreadable(name, String(cause));
      return undefined;
    }
  };
};

const unreadable = (list: string, cause: string): undefined => {
  console.error({ event: 'screening_list_unreadable', list, cause });
};
