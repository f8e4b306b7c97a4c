import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { cronOutage } from '../outages/cron.ts';
import { openOutages } from '../outages/record-outages.ts';
import { OUTAGE_RULES, severityOf } from '../protocol/alert.ts';
import { alertWords } from '../webhooks/alert-text.ts';
import type { Handlers } from './handler.ts';
import type { OUTAGE_ROUTES } from './outage.route.ts';
import { attempt, type Queried } from './page.ts';
import { queryReason, refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

type OutageItem = AnswerOf<'outages'>['items'][number];

/** Lists the outages that raised an alert. The cron trigger cannot report its own absence, so this list checks it too. */
export const listOutages = (db: D1Database, now: Seconds): Queried<OutageItem[]> =>
  attempt(async () => {
    const [open, cron] = [await openOutages(db, OUTAGE_RULES), await cronOutage(db, now)];
    const raised = open.filter(({ rule, isRaised }) => isRaised && rule !== 'cron_missed');
    const missed =
      cron === undefined
        ? []
        : [{ ...cron, rule: 'cron_missed' as const, since: Number(cron.detail['since']) }];
    return ok(
      [...missed, ...raised].map(({ rule, detail, since }) => ({
        ...{ rule, severity: severityOf(rule, detail['kind']), since },
        ...alertWords(rule, detail),
      })),
    );
  });

export const outageHandlers: Handlers<keyof typeof OUTAGE_ROUTES> = {
  outages: async ({ context, now }) => {
    const found = await listOutages(context.db, now);
    if (!found.ok) return refuse(queryReason(found.error));
    const body: AnswerOf<'outages'> = { items: found.value };
    return reply(body);
  },
};
