import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { releaseFaults } from '../../../dev/release/faults.ts';
import { ROOT } from '../../../dev/root.ts';

const manifest = {
  version: '1.2.0',
  repository: { type: 'git', url: 'git+https://github.com/shop/countersign.git' },
};
const release = {
  tag: 'v1.2.0',
  repository: 'shop/countersign',
  manifests: { 'package.json': manifest },
  changelog: '# Changelog\n\n## 1.2.0, 2027-01-31\n',
};

describe('a release', () => {
  it('is published if tag, manifests, repository and changelog agree', () => {
    expect(releaseFaults(release)).toEqual([]);
  });

  it.each([
    ['a tag that is no version', { ...release, tag: 'latest' }, /v0\.1\.0/],
    ['another version', { ...release, tag: 'v1.2.1' }, /package\.json has version 1\.2\.0/],
    ['a fork', { ...release, repository: 'fork/countersign' }, /fork\/countersign\.git/],
    [
      'a manifest without a repository',
      { ...release, manifests: { 'package.json': { version: '1.2.0' } } },
      /needs "repository"/,
    ],
    [
      'a changelog that says "not released"',
      { ...release, changelog: '## 1.2.0, not released\n' },
      /CHANGELOG\.md/,
    ],
  ])('is not published from %s', (_, changed, message) => {
    expect(releaseFaults(changed).join('\n')).toMatch(message);
  });
});

const {
  dependencies,
  peerDependencies,
  imports: ours,
} = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, { readonly default: string }>>;
};

/** The packages that a module of this repository, and the modules that it imports, need at run time. */
const packagesOf = (entry: string): ReadonlySet<string> => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const read = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const text = readFileSync(path, 'utf8').replace(/^(?:im|ex)port type [^;]*;/gm, '');
    for (const [, source = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^'\s,]+)'/g)) {
      const own = source.startsWith('.') ? join(dirname(path), source) : ours[source]?.default;
      if (own !== undefined) read(resolve(ROOT, own));
      else packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? source);
    }
  };
  read(join(ROOT, entry));
  return packages;
};

/** In the checkout every development dependency resolves, so only a program that installs the package would notice a missing one. */
it('installs every package that the published client imports', () => {
  const installed = Object.keys({ ...dependencies, ...peerDependencies });
  const imported = packagesOf('src/client/index.ts');
  expect(imported).toContain('canonicalize');
  expect([...imported].filter((name) => !installed.includes(name))).toEqual([]);
});
