import { canonicalJson } from '../../core/canonical-json.ts';
import { writePages } from '../lib/atomic-file.ts';
import type { Command } from '../lib/command.ts';
import { AT_SIGNER, openOwner, type OwnerClient } from './client.ts';

export const exportLog: Command = {
  summary: 'export the log of your agents: every signature, refusal and command',
  options: [
    { flags: '-o, --out <file>', summary: 'write to this file (default: stdout)' },
    ...AT_SIGNER,
  ],
  shared: ['signer'],
  examples: ['countersign signer export -o agents.ndjson --as treasury'],
  run: async (session, input) => {
    const { out } = session;
    const client = await openOwner(session, input);
    const path = input.text('out');
    if (path === undefined || path === '-') {
      const encoder = new TextEncoder();
      for await (const page of pagesOf(client)) await out.bytes(encoder.encode(page));
      return;
    }
    const { lines: entries, bytes } = await writePages(session, path, pagesOf(client));
    out.result({ owner: client.owner, file: path, entries, bytes }, () =>
      [
        `${out.style.good('written')}  ${entries === 1 ? '1 entry' : `${entries} entries`} to ${path}`,
        out.style.dim(`\`countersign audit verify ${path}\` verifies the log offline`),
      ].join('\n'),
    );
  },
};

/** The log as NDJSON, page by page. The signer names a next page until one is empty. */
async function* pagesOf(client: OwnerClient): AsyncGenerator<string> {
  for (let after: string | undefined; ;) {
    const query = after === undefined ? {} : { after };
    const { items, next } = await client.call('entries.list', { query });
    if (items.length > 0) yield items.map((entry) => `${canonicalJson(entry as never)}\n`).join('');
    if (next === undefined) return;
    if (next === after) throw new Error('the signer repeats a page');
    after = next;
  }
}
