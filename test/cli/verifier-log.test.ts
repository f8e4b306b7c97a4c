import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/protocol/entry.ts';
import {
  brokenIn,
  type Copy,
  isMissing,
  relinked,
  useCopies,
  verifyInBoth,
  why,
} from './support/python-verifier.ts';

describe.skipIf(isMissing)(
  `the verifiers on an export whose log or receipts are changed${why}`,
  () => {
    const copied = useCopies();
    const LEAVES = 'log/2026/leaves.ndjson';
    const CHECKPOINT = 'log/2026/checkpoint';

    describe('with the log or receipts changed', () => {
      const lineOf = (
        copy: Copy,
        name: string,
        at: number,
        change: (line: string) => string,
      ): void =>
        copy.write(
          name,
          copy
            .read(name)
            .split('\n')
            .map((line, index) => (index === at ? change(line) : line))
            .join('\n'),
        );

      it.each([
        [
          'a leaf changed',
          (copy: Copy) => lineOf(copy, LEAVES, 0, (line) => line.replace(/root ./, 'root A')),
          'other_root',
        ],
        [
          'a leaf left out',
          (copy: Copy) => copy.write(LEAVES, copy.read(LEAVES).replace(/^.*\n/, '')),
          'leaf_missing',
        ],
        [
          'a leaf twice',
          (copy: Copy) => copy.write(LEAVES, copy.read(LEAVES).replace(/^(.*\n)/, '$1$1')),
          'leaf_missing',
        ],
        [
          'another size',
          (copy: Copy) => lineOf(copy, CHECKPOINT, 1, (size) => String(Number(size) - 1)),
          'wrong_signer',
        ],
        [
          'another root',
          (copy: Copy) =>
            lineOf(copy, CHECKPOINT, 2, (root) =>
              root.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
            ),
          'wrong_signer',
        ],
        [
          'no signature',
          (copy: Copy) => copy.write(CHECKPOINT, copy.read(CHECKPOINT).replace(/— .*\n$/, '')),
          'malformed_checkpoint',
        ],
        [
          'another key',
          (copy: Copy) =>
            copy.write(
              'log-key',
              'gateway.example/log/2026+49c1ef09+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4',
            ),
          'unknown_key',
        ],
        ['a key that is none', (copy: Copy) => copy.write('log-key', 'key'), 'malformed_key'],
      ])('reports %s', async (_, change, reason) => {
        const copy = copied();
        change(copy);
        const { report } = await verifyInBoth([copy.path]);
        expect(brokenIn(report)).toEqual({ log: reason });
      });

      it('reports receipts that are changed or name no entry', async () => {
        const copy = copied();
        const [first = ''] = copy.read('receipts.txt').split('\n');
        const [header = '', payload = '', signature = ''] = first.split('.');
        copy.write('receipts.txt', `${header}.${payload.replace(/^./, 'f')}.${signature}\n`);
        const receipts = ['--receipts', join(copy.path, 'receipts.txt')];
        expect(brokenIn((await verifyInBoth([copy.path], receipts)).report)).toEqual({
          receipts: 'wrong_signer',
        });
        copy.write('receipts.txt', `${first}\n`);
        const { agent } = decodeJwt(first) as { readonly agent: string };
        const log = join('entries', `${agent.replaceAll(':', '_')}.ndjson`);
        const end = copy.entries(log).at(-1) as Entry;
        copy.put(log, relinked([...copy.entries(log).slice(0, 2), { ...end, at: end.at + 1_000 }]));
        expect(brokenIn((await verifyInBoth([copy.path], receipts)).report)).toMatchObject({
          receipts: 'entry_missing',
        });
      });
    });
  },
);
