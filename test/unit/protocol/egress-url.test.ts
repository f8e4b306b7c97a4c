import { describe, expect, test } from 'vitest';
import {
  type EgressReach,
  egressFault,
  isLoopbackHost,
  readEgressUrl,
} from '../../../src/protocol/egress-url.ts';
import { FORBIDDEN_URLS, LOOPBACK_URLS } from '../../support/egress-urls.ts';

const reads = (text: string, reach: EgressReach = 'public'): string | undefined => {
  const read = readEgressUrl(text, reach);
  return read.ok ? read.value.href : undefined;
};

describe('readEgressUrl on a deployed gateway', () => {
  test.each([
    'https://hooks.example.com/countersign?key=1',
    'https://xn--bcher-kva.example/',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com:1024/',
    'https://a.b.c.d.example.co.uk/',
    'https://1.2.3.4.nip-example.com/',
    'https://localhost.example.com/',
    'https://_dmarc.example.com/',
    'https://hooks.example.com/a@b',
    'https://hooks.example.com/?to=a@b',
  ])('accepts %s', (url) => {
    expect(reads(url)).toBe(url);
  });

  test('returns the URL in the form of the URL standard', () => {
    expect(reads('https://HOOKS.Example.com:443/a/../b')).toBe('https://hooks.example.com/b');
    expect(reads('https://bücher.example')).toBe('https://xn--bcher-kva.example/');
  });

  test.each([...FORBIDDEN_URLS, ...LOOPBACK_URLS])('rejects %j', (url) => {
    expect(reads(url)).toBeUndefined();
  });

  test('never repeats the URL in the reason for rejecting it', () => {
    for (const url of [...FORBIDDEN_URLS, ...LOOPBACK_URLS]) {
      expect(egressFault(url, 'public')).toMatch(
        /^(?:must be an absolute URL of at most 2048 characters|must start with https:\/\/|must hold no user and no password|must have no fragment|must name a public host: .*|must use port 443, or one from 1024 up)$/,
      );
    }
    expect(egressFault('https://hooks.example.com/', 'public')).toBeUndefined();
  });
});

describe('readEgressUrl on a local stack', () => {
  test.each([...LOOPBACK_URLS, 'https://hooks.example.com/'])('accepts %j', (url) => {
    expect(reads(url, 'local_stack')).toBe(new URL(url).href);
  });

  test.each([
    ...FORBIDDEN_URLS,
    'http://10.0.0.1/',
    'http://169.254.169.254/',
    'http://[::ffff:10.0.0.1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://app.localhost/',
    'http://printer.local/',
    'http://user@127.0.0.1/',
    'http://127.0.0.1/#x',
    'ftp://127.0.0.1/',
  ])('rejects %j', (url) => {
    expect(reads(url, 'local_stack')).toBeUndefined();
  });
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.255.255', true],
  ['[::1]', true],
  ['app.localhost', false],
  ['127.0.0.1.nip.example', false],
  ['[::ffff:7f00:1]', false],
  ['128.0.0.1', false],
])('recognises loopback hosts: %s', (hostname, expected) => {
  expect(isLoopbackHost(hostname)).toBe(expected);
});
