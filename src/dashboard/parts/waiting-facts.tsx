import type { Approval } from '../data/calls/approvals.ts';
import type { RequestFacts } from '../data/calls/request-facts.ts';
import { useLimits, useRequestFacts } from '../data/calls/waiting-facts.ts';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { countsCalls, ruleName } from '../../policy/rule-name.ts';
import { shown } from '../format/text.ts';
import { Id } from './id.tsx';

/** The facts about one waiting call, from its log: the request, the payee, and how much of each limit an approval spends. */
export const WaitingFacts = ({ approval }: { readonly approval: Approval }) => {
  const request = useRequestFacts(approval);
  return (
    <>
      <Request {...request} />
      <Limits approval={approval} grants={request.data?.grants} />
    </>
  );
};

const Request = ({ data, problem }: ReturnType<typeof useRequestFacts>) => {
  if (problem !== undefined) return <span class="below">Its request: {problem.detail}</span>;
  if (data === undefined) return <span class="below">Reads its request…</span>;
  const { request, bodyDigest, params, payee } = data;
  return (
    <>
      {request === undefined ? null : (
        <span class="below">
          asks for <code>{shown(request)}</code>
        </span>
      )}
      {params.map(([name, value]) => (
        <span class="below" key={name}>
          {shown(name)}: <code>{shown(value)}</code>
        </span>
      ))}
      {bodyDigest === undefined ? null : (
        <span class="below">
          The gateway keeps no body: ask the agent for it. Its SHA-256 is{' '}
          <Id text={bodyDigest} label="the digest of the body" />
        </span>
      )}
      {payee === undefined ? null : (
        <span class="below">
          pays <Id text={payee} label="the payee" />
        </span>
      )}
    </>
  );
};

const Limits = ({
  approval,
  grants,
}: {
  readonly approval: Approval;
  readonly grants: RequestFacts['grants'];
}) => {
  const { asset } = approval;
  const limits = useLimits(approval, grants)?.filter(
    ({ rule }) => !countsCalls(rule) && !/(?:^|:)per_call$/.test(rule),
  );
  if (limits === undefined) return null;
  if (limits.length === 0) return <span class="below">no limit counts its price</span>;
  const texts = limits.map(
    ({ rule, limit, remaining }) =>
      `${decimalOf(BigInt(remaining))} of ${decimalOf(BigInt(limit))} ${symbolOf(asset)} ${ruleName(rule)}`,
  );
  // The price of a waiting call is already held, so the same amount remains after the approval.
  return <span class="below">leaves {texts.join('; ')}, if it runs</span>;
};
