import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { openLoggedTexts } from '../../../../src/catalog/logged-texts.ts';
import { publishTexts } from '../../../../src/catalog/publish-texts.ts';
import { parseTools } from '../../../../src/catalog/schema.ts';
import { termsOf } from '../../../../src/catalog/terms.ts';
import type { Tool } from '../../../../src/catalog/tool.ts';
import { BUILT_IN_POLICY, type Policy, policyHash } from '../../../../src/policy/policy.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { checkListed, textHash } from '../../../../src/audit/verify/logged-text.ts';
import { documentOf } from '../../../unit/catalog/documents.ts';
import { entriesOf, randomHex, stubOf } from '../../support.ts';

const toolsOf = (
  ids: readonly string[],
  changes: Parameters<typeof documentOf>[1] = {},
): readonly Tool[] => {
  const parsed = parseTools({ tools: ids.map((id) => documentOf(id, changes)) }, 'public');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};

/** The name of a set of texts, as a new isolate requests it. */
const setOf = (tools: readonly Tool[], policy: Policy): Hex =>
  openLoggedTexts(policy).missing(tools) ?? '0x';

const publish = (keeper: Hex, tools: readonly Tool[], policy: Policy = BUILT_IN_POLICY) =>
  publishTexts(stubOf(keeper), setOf(tools, policy), tools, policy);

const hasTexts = async (keeper: Hex, tools: readonly Tool[], policy: Policy = BUILT_IN_POLICY) => {
  const found = await stubOf(keeper).documentsSince('tool', 0, setOf(tools, policy));
  return found.verdict === 'found' && found.hasTexts;
};

const namesOf = (entries: readonly Entry[]) =>
  entries.map(({ type, outcome }) =>
    [type, outcome?.['name']].filter((part) => typeof part === 'string').join(' '),
  );

/** The hashes of the texts in a log. */
const hashesOf = (entries: readonly Entry[]): readonly Hex[] =>
  entries.flatMap(({ evidence = {} }) =>
    [evidence['document'], evidence['policy']].flatMap((text) =>
      text === undefined ? [] : textHash(text),
    ),
  );

describe('texts of a deployment', () => {
  test('are in the log of the gateway account once, and known by the name of their set', async () => {
    const keeper = randomHex(20);
    const tools = toolsOf(['a', 'b']);
    expect(await hasTexts(keeper, tools)).toBe(false);
    expect(await publish(keeper, tools)).toBe(true);
    expect(await publish(keeper, tools)).toBe(true);
    await evictDurableObject(stubOf(keeper));
    expect(await hasTexts(keeper, tools)).toBe(true);
    expect(await publish(keeper, tools)).toBe(true);
    const entries = await entriesOf(keeper);
    expect(namesOf(entries)).toEqual(['policy.default', 'tool.listed a', 'tool.listed b']);
    expect(hashesOf(entries)).toEqual([
      policyHash(BUILT_IN_POLICY),
      ...tools.map((tool) => termsOf(tool).hash),
    ]);
    expect(entries.map((entry) => checkListed(entry).ok)).toEqual([true, true, true]);
  });

  test('are written once by many isolates at a time', async () => {
    const keeper = randomHex(20);
    const tools = toolsOf(['a', 'b', 'c']);
    const all = await Promise.all(Array.from({ length: 8 }, () => publish(keeper, tools)));
    expect(all).toEqual(Array.from({ length: 8 }, () => true));
    expect(await entriesOf(keeper)).toHaveLength(4);
  });

  test('of two deployments both stay: other prices, and another default policy', async () => {
    const keeper = randomHex(20);
    const [before, after] = [toolsOf(['a', 'b']), toolsOf(['a', 'b'], { price: '$0.002' })];
    const stricter: Policy = { ...BUILT_IN_POLICY, perCall: 1_000n };
    await publish(keeper, before);
    expect(await hasTexts(keeper, before, stricter)).toBe(false);
    await publish(keeper, after, stricter);
    // A rollback to the first deployment writes nothing new.
    await publish(keeper, before);
    const entries = await entriesOf(keeper);
    expect(namesOf(entries)).toEqual([
      ...['policy.default', 'tool.listed a', 'tool.listed b'],
      ...['policy.default', 'tool.listed a', 'tool.listed b'],
    ]);
    expect(hashesOf(entries)).toEqual(
      expect.arrayContaining([policyHash(BUILT_IN_POLICY), policyHash(stricter)]),
    );
    expect(new Set(hashesOf(entries)).size).toBe(6);
  });

  test('of 500 tools are all written, in several commands', async () => {
    const keeper = randomHex(20);
    const tools = toolsOf(Array.from({ length: 500 }, (_, at) => `tool-${at}`));
    expect(await publish(keeper, tools)).toBe(true);
    expect(await hasTexts(keeper, tools)).toBe(true);
    const hashes = new Set(hashesOf(await entriesOf(keeper)));
    expect(tools.every((tool) => hashes.has(termsOf(tool).hash))).toBe(true);
    expect(hashes.size).toBe(501);
  });

  test('do not count as published before the last of them is written', async () => {
    const keeper = randomHex(20);
    const tools = toolsOf(['a', 'b']);
    const documents = tools.map((tool) => ({
      ...({ type: 'tool.listed', name: tool.id, document: termsOf(tool).document } as const),
    }));
    await stubOf(keeper).apply({ kind: 'publish', texts: documents });
    expect(await hasTexts(keeper, tools)).toBe(false);
    await publish(keeper, tools);
    expect(await hasTexts(keeper, tools)).toBe(true);
    expect(await entriesOf(keeper)).toHaveLength(3);
  });

  test('of the size of a whole entry are refused, and write nothing', async () => {
    const keeper = randomHex(20);
    const texts = [
      { type: 'tool.listed', name: 'a', document: { tool: 'x'.repeat(65_536) } } as const,
    ];
    expect(await stubOf(keeper).apply({ kind: 'publish', texts })).toMatchObject({
      verdict: 'refused',
      fault: { reason: 'not_writable' },
    });
    expect(await entriesOf(keeper)).toEqual([]);
  });
});
