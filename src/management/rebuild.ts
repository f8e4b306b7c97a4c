import { archiveBucket } from '../config/optional-bindings.ts';
import type { ProjectedRow } from '../audit/rebuild/compare-rows.ts';
import { advanceRebuild } from '../audit/rebuild/rebuild.ts';
import { loadRebuild } from '../audit/rebuild/rebuild-state.ts';
import { readReport } from '../audit/rebuild/rebuild-report.ts';
import { ok } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Handlers } from './handler.ts';
import { attempt } from './page.ts';
import type { REBUILD_ROUTES } from './rebuild.route.ts';
import { queryReason, refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

const textsOf = (row: ProjectedRow): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(row).flatMap(([column, value]) =>
      value === null
        ? []
        : [[column, typeof value === 'string' ? value : JSON.stringify(value)] as const],
    ),
  );

const RUNNING =
  'Set PAUSED to "true", deploy, and send the request again: a rebuild needs a gateway that takes no new calls.';

export const rebuildHandlers: Handlers<keyof typeof REBUILD_ROUTES> = {
  // Writes no entry, because the log is its only source. An intent without a run begins one rebuild, whose id is the intent's digest. An
  // intent with a run only takes further steps, however often it arrives.
  'audit.rebuild': async ({ context, by, intent, body, now }) => {
    const { db, env, config } = context;
    if (!config.paused) return refuse({ reason: 'not_writable', hint: RUNNING });
    const own = intent.digest?.slice(2, 34);
    const run = body.run ?? own;
    if (run === undefined) return refuse({ reason: 'already_used' });
    const found = await attempt(async () => {
      if (body.run === undefined && (await loadRebuild(db))?.run === own) return ok(undefined);
      const { state, rebuild } = await advanceRebuild(
        { db, bucket: archiveBucket(env) },
        {
          run,
          begins: body.run === undefined,
          signer: by.account,
          apply: body.apply === true ? 1 : 0,
        },
        now,
      );
      return ok({ state, rebuild, report: await readReport(db, rebuild) });
    });
    if (!found.ok) return refuse(queryReason(found.error));
    if (found.value === undefined) return refuse({ reason: 'already_used' });
    const { state, rebuild, report } = found.value;
    const { verdict, tables, first, ...counted } = report;
    const answer: AnswerOf<'audit.rebuild'> = {
      ...{ state, run: rebuild.run, began_by: rebuild.signer as AccountId },
      ...{ began_at: rebuild.began_at, at: rebuild.at },
      ...(counted as Pick<
        AnswerOf<'audit.rebuild'>,
        'accounts' | 'entries' | 'unread' | 'objects'
      >),
      tables: tables.map(({ name, rows }) => ({ table: name, rows })),
      first: first.map(({ name, place, stored, rebuilt: again }) => ({
        ...{ table: name, key: place.map(String) },
        ...(stored === undefined ? {} : { stored: textsOf(stored) }),
        ...(again === undefined ? {} : { rebuilt: textsOf(again) }),
      })),
      ...(state === 'ended' ? { verdict } : {}),
    };
    return reply(answer);
  },
};
