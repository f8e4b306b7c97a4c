import type { Management } from '../../../client/management.ts';
import { isObject } from '../../../core/json-object.ts';
import { type Facts, factsIf } from '../../../protocol/log/facts.ts';
import { changedFields, type FieldChange } from '../../../tool-import/changed-fields.ts';
import { readGatewayFacts } from '../gateway/gateway-facts.ts';

type Entry = Facts<'tool.put' | 'tool.removed'>;

/** A version of a tool in the log of the gateway's account. */
export type ToolVersion = {
  readonly seq: number;
  readonly at: number;
  /** The account that signed it. */
  readonly by: string | undefined;
  /** Its ETag; undefined if this version removed the tool. */
  readonly hash: string | undefined;
  /** The differences to the version before it, if the log shows both. */
  readonly changes: readonly FieldChange[];
};

/** Changes of tools that one history reads, at most. */
const MOST = 2_000;

/** The log holds an input schema as text (`storedTool`). */
const readable = (document: object): object => {
  const { inputSchema, ...rest } = document as { readonly inputSchema?: unknown };
  return typeof inputSchema === 'string'
    ? { ...rest, inputSchema: JSON.parse(inputSchema) }
    : document;
};

/** The versions of one tool, newest first, from the entries of the gateway's log in any order. */
export const versionsOf = (entries: readonly Entry[], id: string): readonly ToolVersion[] => {
  const documents = new Map<string, object>();
  const versions: ToolVersion[] = [];
  let before: object | undefined;
  for (const entry of entries.toSorted((a, b) => a.seq - b.seq)) {
    const { seq, at, outcome } = entry;
    const { by, document }: Facts<'tool.put'>['evidence'] = entry.evidence;
    const { hash }: Facts<'tool.put'>['outcome'] = outcome;
    // The log contains a text only once, however many entries name it.
    if (hash !== undefined && isObject(document)) documents.set(hash, readable(document));
    if (outcome.name !== id) continue;
    const now = hash === undefined ? undefined : documents.get(hash);
    versions.unshift({
      ...{ seq, at, hash, by },
      changes: before === undefined || now === undefined ? [] : changedFields(before, now),
    });
    before = now;
  }
  return versions;
};

/** Reads the versions of one tool from the log. `isWhole`: no change was left out. */
export const readToolHistory = async (
  management: Management,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly versions: readonly ToolVersion[]; readonly isWhole: boolean }> => {
  const { account } = await readGatewayFacts();
  const read = async (type: Entry['type']): Promise<readonly Entry[]> => {
    const found: Entry[] = [];
    const request = { params: { account }, query: { type, limit: 500 }, signal };
    for await (const each of management.list('account.entries', request)) {
      const entry = factsIf(each, type);
      if (entry !== undefined) found.push(entry);
      if (found.length >= MOST) break;
    }
    return found;
  };
  const [put, removed] = await Promise.all([read('tool.put'), read('tool.removed')]);
  return {
    versions: versionsOf([...put, ...removed], id),
    isWhole: put.length < MOST && removed.length < MOST,
  };
};
