import type { AnswerOf } from '../../../client/management.ts';
import { factsIf } from '../../../protocol/log/facts.ts';
import { useQuery } from '../reading/query.ts';
import type { Approval } from './approvals.ts';
import { isOfCall, type RequestFacts, requestFacts } from './request-facts.ts';

type Limit = AnswerOf<'account.get'>['money'][number]['limits'][number];

const ONCE_SECONDS = 3600;

/** Reads the entry that parked a call. It never changes. */
export const useRequestFacts = ({ account, call, parked_at: at }: Approval) =>
  useQuery(
    `request of ${account} ${call}`,
    async (management, signal) => {
      const query = { type: 'call.parked', from: at, to: at + 1, limit: 100 } as const;
      const { body } = await management.call('account.entries', {
        params: { account },
        query,
        signal,
      });
      const entry = body.items.find((item) => item.call === call);
      return requestFacts(entry && factsIf(entry, 'call.parked'));
    },
    ONCE_SECONDS,
  );

const LIMITS_SECONDS = 15;

/**
 * Reads the limits that a waiting call spends from. Each of them already holds the call's amount. Limits of grants that the call does not
 * use do not matter.
 */
export const useLimits = (
  { account, asset }: Pick<Approval, 'account' | 'asset'>,
  grants: RequestFacts['grants'],
): readonly Limit[] | undefined =>
  useQuery(
    `limits of ${account}`,
    async (management, signal) =>
      (await management.call('account.get', { params: { account }, signal })).body.money,
    LIMITS_SECONDS,
  )
    .data?.find((money) => money.asset === asset)
    ?.limits.filter(({ grant }) => isOfCall(grant, grants));
