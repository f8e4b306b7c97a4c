import type {
  ItemOf,
  ListId,
  Management,
  PageInfo,
  RequestOf,
} from '../../../client/management.ts';

/** The first rows of a list. `isMore`: there are more. */
export type Rows<Item> = {
  readonly items: readonly Item[];
  readonly isMore: boolean;
  readonly asOf: number | undefined;
};

export const PAGE_ROWS = 50;
/** Rows that the gateway returns on a page, at most. */
const MOST_ON_PAGE = 500;

/** Reads the first rows of a list, in the order of the gateway: one more than it shows, to know whether there are more. */
export const firstRows = async <Id extends ListId>(
  management: Management,
  id: Id,
  request: RequestOf<Id>,
  most = PAGE_ROWS,
  signal?: AbortSignal,
): Promise<Rows<ItemOf<Id>>> => {
  const items: ItemOf<Id>[] = [];
  let page: PageInfo = {};
  const list = management.list as unknown as (
    id: Id,
    request: object,
  ) => AsyncGenerator<ItemOf<Id>>;
  const onPage = (read: PageInfo): void => {
    page = read;
  };
  const { query, ...others } = request as { readonly query?: object };
  const sized = { limit: Math.min(MOST_ON_PAGE, most + 1), ...query };
  for await (const item of list(id, { ...others, query: sized, onPage, signal })) {
    if (items.length === most) return { items, isMore: true, asOf: page.asOf };
    items.push(item);
  }
  return { items, isMore: false, asOf: page.asOf };
};

/** Reads every item of a list that the gateway keeps short. */
export const allOf = async <Item>(list: AsyncIterable<Item>): Promise<readonly Item[]> => {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
};
