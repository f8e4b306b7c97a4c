import { describe, expect, it } from 'vitest';
import { releaseFaults } from '../../../dev/release/faults.ts';

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
