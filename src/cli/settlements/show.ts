import { accountNamed } from '../lib/account-names.ts';
import { openAdmin } from '../lib/admin-client.ts';
import { dollars } from '../lib/amounts.ts';
import { defineCommand } from '../lib/command.ts';
import { callIn } from '../lib/input.ts';
import { proseWidth } from '../lib/print.ts';
import { CALL, PAYER } from '../lib/settlements.ts';
import { fields } from '../lib/table.ts';
import { lasting, printable } from '../lib/text.ts';
import { isoTime, shortTime } from '../lib/times.ts';

export const command = defineCommand({
  summary: 'show one payment with its log entries and dead letters, as operator',
  arguments: [PAYER, CALL],
  shared: ['gateway', 'signer'],
  run: async (session, input) => {
    const { out } = session;
    const call = callIn(input.arguments[1]);
    const admin = await openAdmin(session, 'operator');
    const account = await accountNamed(admin, input.arguments[0] ?? '');
    const { body } = await admin.call('settlements.get', { params: { account, call } });
    const { settlement, entries, complete, dead_letters: letters = [] } = body;
    const { credited, age, last_error: error, last_error_at: failedAt } = settlement;
    out.result(body, () =>
      [
        fields(
          [
            ['account', settlement.account],
            ['call', settlement.call],
            ['state', settlement.state],
            ['amount', dollars(settlement.amount)],
            ['tool', settlement.tool],
            ['credited', credited === undefined ? undefined : dollars(credited)],
            ['age', age === undefined ? undefined : lasting(age)],
            ['tries', settlement.attempts?.toString()],
            ['backend', settlement.backend],
            ['last error', error === undefined ? undefined : `${error}, ${shortTime(failedAt)}`],
            ['in', settlement.transaction],
            ['fault', settlement.fault],
            ['reason', settlement.reason],
          ],
          out.style.dim,
          proseWidth(out),
        ),
        '',
        ...entries.map(
          ({ at, type, decision }) =>
            `${out.style.dim(isoTime(at))}  ${type}${decision === undefined ? '' : `, ${decision}`}`,
        ),
        ...letters.map(
          ({ at, reason, id }) =>
            `${out.style.dim(isoTime(at))}  ${out.style.warn('dead letter')}, ${printable(reason)}; \`settlements resend ${printable(id)}\` sends it again`,
        ),
        ...(complete === false
          ? [out.style.dim('The list omits entries in between, which are archived.')]
          : []),
      ].join('\n'),
    );
  },
});
