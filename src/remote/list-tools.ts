import { err, ok, type Result } from '../core/result.ts';
import type { RpcError } from '../protocol/problem/upstream.ts';
import type { RemoteFault } from './message.ts';
import { readDefinition, type ToolDefinition } from './definition.ts';
import type { Session } from './session.ts';

/** The tools of a remote server. */
export type Listing = {
  /** By name, in the server's order. */
  readonly tools: ReadonlyMap<string, ToolDefinition>;
  /** Listed tools that the gateway cannot sell, and why. */
  readonly unusable: readonly { readonly name: string; readonly reason: string }[];
};

/** Why the tools could not be listed. `too_many`: more than a catalogue holds. `endless`: the server repeats its pages. */
export type ListFault =
  | { readonly kind: RemoteFault | 'too_many' | 'endless' | 'malformed' }
  | { readonly kind: 'error'; readonly error: RpcError };

/** As many as a catalogue holds. */
export const MAX_REMOTE_TOOLS = 1_000;
/** The most bytes of one page. */
export const MAX_PAGE = 4 * 1024 * 1024;
/** The most characters of all pages. */
const MAX_LISTING = 8 * 1024 * 1024;
const MAX_PAGES = 100;
const MAX_CURSOR = 4_096;

/** Lists the tools of a remote server, page by page. */
export const listTools = async (
  session: Pick<Session, 'request'>,
): Promise<Result<Listing, ListFault>> => {
  const tools = new Map<string, ToolDefinition>();
  const unusable: { readonly name: string; readonly reason: string }[] = [];
  const twice = new Set<string>();
  let count = 0;
  let characters = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await session.request('tools/list', cursor === undefined ? {} : { cursor });
    if (answer.kind === 'failed') return err({ kind: answer.fault });
    if (answer.kind === 'error') return err({ kind: 'error', error: answer.error });
    const { tools: listed, nextCursor } = answer.result;
    if (!Array.isArray(listed)) return err({ kind: 'malformed' });
    count += listed.length;
    if (count > MAX_REMOTE_TOOLS) return err({ kind: 'too_many' });
    characters += JSON.stringify(listed).length;
    if (characters > MAX_LISTING) return err({ kind: 'oversized' });
    for (const each of listed as readonly unknown[]) {
      const read = readDefinition(each);
      if (typeof read === 'string') unusable.push({ name: nameOf(each), reason: read });
      else if (tools.has(read.name)) twice.add(read.name);
      else tools.set(read.name, read);
    }
    if (nextCursor === undefined || nextCursor === null || nextCursor === '') {
      // Refuse: a call could reach either of the two.
      for (const name of twice) {
        tools.delete(name);
        unusable.push({ name, reason: 'is listed twice' });
      }
      return ok({ tools, unusable });
    }
    if (typeof nextCursor !== 'string' || nextCursor.length > MAX_CURSOR || nextCursor === cursor) {
      return err({ kind: 'endless' });
    }
    cursor = nextCursor;
  }
  return err({ kind: 'endless' });
};

const nameOf = (listed: unknown): string => {
  const name: unknown =
    typeof listed === 'object' && listed !== null ? Reflect.get(listed, 'name') : undefined;
  return typeof name === 'string' ? name.slice(0, 128) : '';
};
