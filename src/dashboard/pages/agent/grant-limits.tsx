import type { Policy } from '../../../policy/policy.ts';
import { grantLimits } from '../../format/policy-lines.ts';
import './grant-table.css';

/** The limits of a grant, one a line. */
export const GrantLimits = ({ terms }: { readonly terms: Policy | undefined }) =>
  grantLimits(terms).map((line) => (
    <span key={line} class="term">
      {line}
    </span>
  ));
