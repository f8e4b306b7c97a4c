import type { Policy } from '../../../policy/policy.ts';
import {
  absentText,
  type PolicyDifference,
  policyDifferences,
} from '../../../policy/policy-lines.ts';
import { PAGE_STYLE } from '../../format/policy-lines.ts';
import { shown } from '../../format/text.ts';

const Change = ({ name, before, after }: PolicyDifference) => (
  <li>
    <strong>{shown(name)}</strong> <span class="before">{shown(before ?? absentText(name))}</span>{' '}
    <span aria-hidden="true">→</span>
    <span class="unseen">becomes</span> {shown(after ?? absentText(name))}
  </li>
);

/** The differences between two policies, one rule a line: "per day 1.00 USDC → 5.00 USDC". */
export const PolicyChanges = ({
  title,
  before,
  after,
}: {
  readonly title: string;
  readonly before: Policy | undefined;
  readonly after: Policy | undefined;
}) => {
  const changes = policyDifferences(before, after, PAGE_STYLE);
  return (
    <div>
      <h3>{title}</h3>
      {changes.length === 0 ? (
        <p class="muted">No difference.</p>
      ) : (
        <ul>
          {changes.map((change) => (
            <Change key={change.name} {...change} />
          ))}
        </ul>
      )}
    </div>
  );
};
