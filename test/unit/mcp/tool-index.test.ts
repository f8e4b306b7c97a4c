import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { termsOf } from '../../../src/mcp/search-terms.ts';
import { createToolIndex, type SearchedTool } from '../../../src/mcp/tool-index.ts';

const tool = (id: string, text = ''): SearchedTool => ({ id, name: id, text });
const SHOP = [
  tool('translate', 'Translates a text to another language.'),
  tool('translate.batch', 'Translates many texts. Slow: translate, wait, fetch.'),
  tool('weather.now', 'The weather at a place, in the language of the caller.'),
  tool('weather.history', 'Past weather.'),
  tool('email.send', 'Sends an e-mail.'),
];

const search = (tools: readonly SearchedTool[], query: string, seen?: readonly string[]) => {
  const index = createToolIndex(tools);
  return index.search(query, index.view(seen ?? tools.map(({ id }) => id)), 20);
};

describe('search', () => {
  test('finds tools by words of their names and descriptions, best first', () => {
    expect(search(SHOP, 'weather history')).toEqual({
      matches: 2,
      ids: ['weather.history', 'weather.now'],
    });
    expect(search(SHOP, 'language').ids.toSorted()).toEqual(['translate', 'weather.now']);
    expect(search(SHOP, 'SEND Emails')).toMatchObject({ ids: ['email.send'] });
    expect(search(SHOP, 'nothing here')).toEqual({ matches: 0, ids: [] });
    expect(search(SHOP, '')).toEqual({ matches: 0, ids: [] });
  });

  test('puts the tool that the query names first', () => {
    expect(search(SHOP, 'translate.batch').ids[0]).toBe('translate.batch');
    expect(search(SHOP, ' translate ').ids[0]).toBe('translate');
  });

  test('answers in the same way when it is repeated', () => {
    const index = createToolIndex(SHOP);
    const view = index.view(SHOP.map(({ id }) => id));
    const once = index.search('translate weather', view, 3);
    expect(index.search('translate weather', view, 3)).toEqual(once);
    expect(once.ids.length).toBe(3);
    expect(once.matches).toBe(4);
  });

  test('answers exactly as an index without the hidden tools', () => {
    const word = fc.constantFrom('pay', 'card', 'wire', 'send', 'mail', 'text', 'now');
    const words = fc.array(word, { maxLength: 8 }).map((all) => all.join(' '));
    const catalogue = fc
      .array(fc.record({ words, isSeen: fc.boolean() }), { maxLength: 30 })
      .map((all) =>
        all.map((each, at) => ({ ...each, ...tool(`t${at}`, each.words), name: each.words })),
      );
    fc.assert(
      fc.property(catalogue, words, fc.integer({ min: 1, max: 20 }), (all, query, limit) => {
        const seen = all.filter(({ isSeen }) => isSeen);
        const whole = createToolIndex(all);
        const alone = createToolIndex(seen);
        const ids = seen.map(({ id }) => id);
        expect(whole.search(query, whole.view(ids), limit)).toEqual(
          alone.search(query, alone.view(ids), limit),
        );
      }),
    );
  });

  test('ranks as a full sort does', () => {
    const many = Array.from({ length: 300 }, (_, at) =>
      tool(`t${at}`, `${'pay '.repeat(at % 7)} ${'card '.repeat(at % 5)}`),
    );
    const index = createToolIndex(many);
    const view = index.view(many.map(({ id }) => id));
    const all = index.search('pay card', view, 300);
    expect(index.search('pay card', view, 20).ids).toEqual(all.ids.slice(0, 20));
    expect(new Set(all.ids).size).toBe(all.matches);
  });
});

describe('the terms of a text', () => {
  test.each([
    ['send_email sendEmails SEND-EMAIL', ['send', 'email', 'send', 'email', 'send', 'email']],
    ['Übersetzen café', ['ubersetzen', 'cafe']],
    ['"AND" ( * foo-bar', ['and', 'foo', 'bar']],
    ['address bus', ['address', 'bus']],
  ])('%s', (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });
});
