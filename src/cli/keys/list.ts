import { checksummed } from '../../crypto/checksum.ts';
import { defineCommand } from '../lib/command.ts';
import { listed } from '../lib/print.ts';
import { counted } from '../lib/text.ts';

export const command = defineCommand({
  summary: 'list names and addresses; needs no password',
  run: async ({ keystore, out }) => {
    const entries = await keystore.entries();
    const document = {
      directory: keystore.directory,
      keys: entries.flatMap((entry) =>
        entry.kind === 'key' ? [{ name: entry.name, address: checksummed(entry.address) }] : [],
      ),
      fleets: entries.flatMap((entry) =>
        entry.kind === 'fleet' ? [{ name: entry.name, agents: entry.agents.length }] : [],
      ),
    };
    out.result(document, () =>
      entries.length === 0
        ? `No keys yet. Create one with ${out.style.accent('countersign keys new <name>')}.`
        : listed(
            out,
            [{ title: 'NAME' }, { title: 'ADDRESS', cut: 'middle' }],
            entries.map((entry) => [
              entry.name,
              entry.kind === 'key'
                ? checksummed(entry.address)
                : `fleet of ${counted(entry.agents.length, 'agent')}`,
            ]),
          ),
    );
  },
});
