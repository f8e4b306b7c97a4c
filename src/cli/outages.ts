import { collected, openAdmin } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { sentence } from './lib/print.ts';
import { printable } from './lib/text.ts';
import { isoTime, shortTime } from './lib/units.ts';

export const command: Command = {
  summary: 'show what fails now and what to do about it, as operator',
  shared: ['gateway', 'signer'],
  examples: ['countersign outages', 'countersign outages --json'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const outages = await collected(admin, admin.list('outages'));
    out.result({ outages }, () =>
      outages.length === 0
        ? sentence(
            out,
            `No outage as of ${isoTime(session.now()).slice(11, 16)} UTC: chains, facilitators, tools, queues and the cron trigger work. The gateway looks once a minute; a chain or a facilitator that fails is an outage after two looks.`,
          )
        : outages
            .map(({ severity, since, title, what, next }) =>
              [
                `${(severity === 'critical' ? out.style.bad : out.style.warn)(severity)}  ${printable(title)}  ${out.style.dim(`since ${shortTime(since)}`)}`,
                sentence(out, printable(what)),
                sentence(out, printable(`Next: ${next}`)),
              ].join('\n'),
            )
            .join('\n\n'),
    );
  },
};
