import { countedAlready } from '../../data/policies/counted-already.ts';
import type { useDryRun } from '../../data/policies/dry-run.ts';
import type { Standing } from '../../data/accounts/standing.ts';
import type { FormPolicy } from '../../data/policies/policy-form.ts';
import { firstRows, PAGE_ROWS } from '../../data/reading/list.ts';
import { useQuery } from '../../data/reading/query.ts';
import { type PastCall, forecast, type Forecast } from '../../data/policies/forecast.ts';
import { decimalOf, symbolOf } from '../../format/amount.ts';
import { ruleName } from '../../../policy/rule-name.ts';
import { shown } from '../../format/text.ts';
import type { ItemOf } from '../../../client/management.ts';
import type { Policy } from '../../../policy/policy.ts';
import { formatDollars } from '../../../protocol/amount.ts';

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

const PastEffect = ({ prediction }: { readonly prediction: Forecast }) => {
  const { calls, denied, waiting } = prediction;
  if (calls === 0) return <p class="muted">There are no accepted calls to compare with yet.</p>;
  const rules = Object.entries(denied);
  return (
    <>
      <ul>
        {rules.map(([rule, count]) => (
          <li key={rule}>
            {calls === 1
              ? 'The last accepted call'
              : `At least ${count} of the last ${calls} accepted calls`}{' '}
            would have been denied: <strong>{ruleName(rule)}</strong>.
          </li>
        ))}
        {rules.length === 0 ? (
          <li>
            {calls === 1
              ? 'The last accepted call would have passed.'
              : `All of the last ${calls} accepted calls would have passed.`}
          </li>
        ) : null}
        {waiting === 0 ? null : (
          <li>{calls === 1 ? 'It' : `${waiting} of them`} would have waited for approval.</li>
        )}
      </ul>
      <p class="muted">
        This check covers price, tool, payee, asset and rate, but no rules on parameters. Its limits
        count only these calls.
      </p>
    </>
  );
};

const Counters = ({
  policy,
  standing,
}: {
  readonly policy: Policy;
  readonly standing: Standing;
}) => {
  const counted = countedAlready(policy, standing);
  if (counted.length === 0) return null;
  return (
    <div>
      <h3>Counted already</h3>
      <ul>
        {counted.map(({ rule, asset, counted: amount }) => (
          <li key={`${rule} ${asset}`}>
            {decimalOf(amount)} {symbolOf(asset)} {ruleName(rule)}: this limit goes on from there.
          </li>
        ))}
      </ul>
    </div>
  );
};

/** The effects of a policy: on running calls (as the account reports them), on counters, and on past calls. */
export const BudgetEffects = ({
  account,
  changed: { policy },
  dry,
  standing,
}: {
  readonly account: string;
  readonly changed: FormPolicy;
  readonly dry: ReturnType<typeof useDryRun>;
  readonly standing: Standing;
}) => {
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
        {(dry.data?.warnings ?? []).map(({ field, limit, tool, price, asset }) => (
          <p key={`${field} ${tool}`}>
            {field} ({formatDollars(BigInt(limit))}) is below the price of the cheapest tool that it
            allows{asset === undefined ? '' : ' for a card'}: {shown(tool)},{' '}
            {formatDollars(BigInt(price))}.
          </p>
        ))}
      </div>
      <Counters policy={policy} standing={standing} />
      <div>
        <h3>Past calls</h3>
        {past.data === undefined ? (
          <p class="muted">{past.problem?.detail ?? 'Reading the last calls…'}</p>
        ) : (
          <PastEffect prediction={forecast(policy, past.data.items.flatMap(pastCall))} />
        )}
      </div>
    </>
  );
};
