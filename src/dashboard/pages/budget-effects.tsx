import { type PolicySlot, writePolicy } from '../data/stored-policy.ts';
import type { FormPolicy } from '../data/policy-form.ts';
import { firstRows, PAGE_ROWS } from '../data/list.ts';
import { useQuery } from '../data/query.ts';
import { type PastCall, replay, type Replayed } from '../data/replay.ts';
import { decimalOf } from '../format/amount.ts';
import { ruleName } from '../format/rule-name.ts';
import { shown } from '../format/text.ts';
import type { ItemOf } from '../../client/management.ts';

/** What is asked for one review is asked once. */
const ONCE_SECONDS = 3600;

const pastCall = (row: ItemOf<'account.calls'>): readonly PastCall[] => {
  const { call, accepted_at: at, tool, asset, charged = '0', price = charged, payee } = row;
  if (at === undefined || tool === undefined || asset === undefined) return [];
  return [
    {
      ...{ call: call as PastCall['call'], at, tool, asset: asset as PastCall['asset'] },
      ...{ price: BigInt(price), charged: BigInt(charged) },
      payee: payee as PastCall['payee'],
      binding: row.binding ?? 'none',
      request: row.request as PastCall['request'],
    },
  ];
};

const PastEffect = ({ replayed }: { readonly replayed: Replayed }) => {
  const { calls, denied, waiting } = replayed;
  if (calls === 0) return <p class="muted">There are no accepted calls to compare with yet.</p>;
  const rules = Object.entries(denied);
  return (
    <>
      <ul>
        {rules.map(([rule, count]) => (
          <li key={rule}>
            At least {count} of the last {calls} accepted calls would have been denied:{' '}
            <strong>{ruleName(rule)}</strong>.
          </li>
        ))}
        {rules.length === 0 ? (
          <li>
            {calls === 1
              ? 'The last accepted call would have passed.'
              : `All of the last ${calls} accepted calls would have passed.`}
          </li>
        ) : null}
        {waiting === 0 ? null : <li>{waiting} of them would have waited for approval.</li>}
      </ul>
      <p class="muted">
        This check covers price, tool, payee, asset and rate, but no rules on parameters. Its limits
        count only these calls. A new limit starts at zero when you save.
      </p>
    </>
  );
};

/** What a policy would do: to calls that run now, as the account itself says, and to past calls. */
export const BudgetEffects = ({
  slot,
  changed: { document, policy },
  etag,
}: {
  readonly slot: PolicySlot;
  readonly changed: FormPolicy;
  readonly etag: string | undefined;
}) => {
  const { account } = slot;
  const dry = useQuery(
    `dry run ${account} ${slot.role} ${etag ?? ''} ${JSON.stringify(document)}`,
    async (management) => await writePolicy(management, slot, { document, etag, dryRun: true }),
    ONCE_SECONDS,
  );
  const past = useQuery(`past calls of ${account}`, (management, signal) =>
    firstRows(management, 'account.calls', { params: { account } }, PAGE_ROWS, signal),
  );
  const { held = 0, cut_off: cutOff = 0 } = dry.data?.in_flight ?? {};
  return (
    <>
      <div>
        <h3>Running calls</h3>
        {dry.problem === undefined ? null : (
          <p>
            {dry.problem.detail} {dry.problem.hint}
          </p>
        )}
        {dry.data === undefined ? (
          dry.problem === undefined ? (
            <p class="muted">Checking with the account…</p>
          ) : null
        ) : (
          <p>
            {held === 0
              ? 'No calls are running.'
              : `Running: ${held}. They may finish. The new policy would have denied ${cutOff} of them.`}
          </p>
        )}
        {(dry.data?.warnings ?? []).map(({ field, limit, tool, price }) => (
          <p key={field}>
            {field} ({decimalOf(BigInt(limit))} USDC) is below the price of the cheapest tool that
            it allows: {shown(tool)}, {decimalOf(BigInt(price))} USDC.
          </p>
        ))}
      </div>
      <div>
        <h3>Past calls</h3>
        {past.data === undefined ? (
          <p class="muted">{past.problem?.detail ?? 'Reading the last calls…'}</p>
        ) : (
          <PastEffect replayed={replay(policy, past.data.items.flatMap(pastCall))} />
        )}
      </div>
    </>
  );
};
