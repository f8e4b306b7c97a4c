import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathFault } from '../../../src/catalog/path.ts';
import { fillPlaceholders, placeholdersOf, segmentOf } from '../../../src/catalog/placeholder.ts';
import { placeholderFault, upstreamUrlOf } from '../../../src/catalog/upstream.ts';
import { toolOf } from '../gateway/fixture.ts';

const ESCAPES = [
  ...['', '.', '..', '...', ' ', '. .', 'a/b', '../x', '/', 'a\\b', 'a\nb', '\u0000', '\u007f'],
  ...['%2e%2e', 'a%2Fb', '%252e', '..;x', '..;/', '\ud800', 'x'.repeat(513)],
];

describe('segmentOf', () => {
  it.each(ESCAPES)('refuses %j', (value) => {
    expect(segmentOf(value).ok).toBe(false);
  });

  it('encodes every other value as exactly one canonical segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        const segment = segmentOf(value);
        if (!segment.ok) return;
        expect(segment.value).not.toMatch(/[/\\?#]/);
        expect(pathFault(`/a/${segment.value}/b`)).toBeUndefined();
        const { pathname } = new URL(`https://api.example/a/${segment.value}/b`);
        expect(pathname).toBe(`/a/${segment.value}/b`);
        expect(decodeURIComponent(pathname.split('/')[2] ?? '')).toBe(value);
      }),
    );
  });
});

describe('placeholdersOf', () => {
  it('finds whole segments, never the host', () => {
    expect(placeholdersOf('https://api.example/a/{x}/{y-z}/{0}')).toEqual(['x', 'y-z', '0']);
    expect(placeholdersOf('/{x}')).toEqual(['x']);
    expect(placeholdersOf('https://{x}/a')).toEqual([]);
    expect(placeholdersOf('/a{x}/{y}b/{}')).toEqual([]);
  });
});

describe('an HTTP call of a tool with placeholders', () => {
  const tool = toolOf({ path: '/tools/toy', upstream: '/pets/{pet}/toys/{toy}' });
  const urlOf = (target: string) => upstreamUrlOf(tool, target, 'https://up.example');

  it('takes their values from the query and forwards the rest as signed', () => {
    expect(urlOf('/tools/toy?a=%41&toy=b+c&pet=7&x=1&x=2')).toBe(
      'https://up.example/pets/7/toys/b%20c?a=%41&x=1&x=2',
    );
    expect(urlOf('/tools/toy?pet=7&toy=é')).toBe('https://up.example/pets/7/toys/%C3%A9');
    // The query keys `pet` and `toy` are not placeholders, so they stay.
    expect(urlOf('/tools/toy?pet=7&toy=1&?pet=2&PET=3')).toBe(
      'https://up.example/pets/7/toys/1??pet=2&PET=3',
    );
  });

  it.each([
    ['/tools/toy', 'query.pet'],
    ['/tools/toy?pet=1', 'query.toy'],
    ['/tools/toy?pet=1&toy=', 'query.toy'],
    ['/tools/toy?pet=1&toy=2&pet=3', 'query.pet'],
    ['/tools/toy?pet=1&toy=2&p%65t=3', 'query.pet'],
    ['/tools/toy?pet=..&toy=2', 'query.pet'],
    ['/tools/toy?pet=1%2f2&toy=2', 'query.pet'],
  ])('is refused for %s', (target, field) => {
    expect(placeholderFault(tool, target)).toMatchObject({ field });
    expect(() => urlOf(target)).toThrow(field);
  });

  it('of a tool without placeholders keeps its query', () => {
    expect(fillPlaceholders('/a', '?x=%zz&&')).toEqual({
      ok: true,
      value: { upstream: '/a', search: '?x=%zz&&' },
    });
  });
});
