import { describe, expect, test } from 'vitest';
import { isWebhookLocal, MAX_URL, readAddress } from '../../../src/webhooks/address.ts';

const reads = (text: string, local = false): string | undefined => {
  const read = readAddress(text, local);
  return read instanceof URL ? read.href : undefined;
};

describe('an address in public', () => {
  test.each([
    'https://hooks.example.com/countersign?key=1',
    'https://xn--bcher-kva.example/',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com:1024/',
    'https://a.b.c.d.example.co.uk/',
    'https://1.2.3.4.nip-example.com/',
    'https://localhost.example.com/',
    'https://_dmarc.example.com/',
  ])('%s may be asked', (url) => {
    expect(reads(url)).toBe(url);
  });

  test('has the form of the URL standard', () => {
    expect(reads('https://HOOKS.Example.com:443/a/../b')).toBe('https://hooks.example.com/b');
    expect(reads('https://bücher.example')).toBe('https://xn--bcher-kva.example/');
  });

  test.each([
    // Other schemes, and what is none.
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:alert(1)',
    'wss://hooks.example.com/',
    '//hooks.example.com/',
    'hooks.example.com',
    '',
    'https://',
    // Private, loopback, link-local, shared, unspecified, broadcast, multicast.
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://0/',
    'https://255.255.255.255/',
    'https://224.0.0.1/',
    // The same in decimal, octal, hex, full width, percent encoding.
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://１２７.0.0.1/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    'https://127.0.0.1./',
    // IPv6: loopback, unspecified, link-local, ULA, mapped, NAT64, 6to4, and public ones.
    'https://[::1]/',
    'https://[::]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[fc00::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:0a00:0001]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2606:4700::1111]/',
    // Public literals: a receiver with a certificate has a name.
    'https://1.1.1.1/',
    // Names of the machine or its network.
    'https://localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://app.localhost/',
    'https://ip6-localhost/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://service.internal/',
    'https://router.home.arpa/',
    'https://nas.lan/',
    'https://wiki.corp/',
    'https://wiki.intranet/',
    'https://x.onion/',
    'https://intranet/',
    'https://kubernetes.default.svc.cluster.local/',
    // Credentials, fragment, ports of other services.
    'https://user@hooks.example.com/',
    'https://user:secret@hooks.example.com/',
    'https://hooks.example.com@127.0.0.1/',
    'https://hooks.example.com/#part',
    'https://hooks.example.com/#',
    'https://hooks.example.com:22/',
    'https://hooks.example.com:25/',
    'https://hooks.example.com:80/',
    'https://hooks.example.com:0/',
    'https://hooks.example.com:1023/',
    'https://hooks.example.com:65536/',
    `https://hooks.example.com/${'x'.repeat(MAX_URL)}`,
    // Short, and too long once it is percent-encoded.
    `https://hooks.example.com/${'ü'.repeat(500)}`,
  ])('%s is refused', (url) => {
    expect(reads(url)).toBeUndefined();
  });
});

describe('an address on a developer’s machine', () => {
  test.each([
    'http://127.0.0.1:8080/hook',
    'http://localhost/hook',
    'http://[::1]:9/hook',
    'https://127.0.0.1/hook',
    'https://hooks.example.com/',
  ])('%s may be asked too', (url) => {
    expect(reads(url, true)).toBe(url);
  });

  test.each([
    'http://hooks.example.com/',
    'http://10.0.0.1/',
    'http://169.254.169.254/',
    'http://[::ffff:10.0.0.1]/',
    'http://app.localhost/',
    'http://printer.local/',
    'http://user@127.0.0.1/',
    'ftp://127.0.0.1/',
  ])('%s is refused all the same', (url) => {
    expect(reads(url, true)).toBeUndefined();
  });

  test('is one where exactly "true" says so', () => {
    expect(isWebhookLocal({ WEBHOOK_LOCAL: 'true' })).toBe(true);
    for (const value of ['', 'false', 'True', '1', 'yes', ' true']) {
      expect(isWebhookLocal({ WEBHOOK_LOCAL: value })).toBe(false);
    }
    expect(isWebhookLocal({})).toBe(false);
  });
});
