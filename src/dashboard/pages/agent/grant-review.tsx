import type { Hex } from '../../../core/hex.ts';
import { compileDelegation } from '../../../policy/grant.ts';
import type { Policy } from '../../../policy/policy.ts';
import { accountId, type AccountId, network } from '../../../protocol/account-id.ts';
import type { GrantTerms } from '../../data/grants/grant-form.ts';
import { grantLines } from '../../data/grants/grant-lines.ts';
import { grantOnce } from '../../data/grants/grants.ts';
import type { Change } from '../../data/changes/sent-change.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Id } from '../../parts/id.tsx';

/** A grant that was signed and registered. */
export type Issued = {
  readonly hash: Hex;
  readonly terms: Policy;
  /** The account of the agent. */
  readonly account: AccountId;
};

const granting = (
  terms: GrantTerms,
  parent: Hex | undefined,
  onIssued: (issued: Issued) => void,
): Change => {
  const grant = grantOnce(terms, parent);
  return async () => {
    const { hash, chainId, delegation } = await grant();
    const where = network(chainId);
    onIssued({
      hash,
      terms: compileDelegation(delegation, where),
      account: accountId(where, terms.delegate),
    });
  };
};

const Terms = ({ terms }: { readonly terms: GrantTerms }) => (
  <Facts
    facts={grantLines(terms).map(([name, value]) => [
      name,
      value === terms.delegate ? <Id text={value} label="the address" /> : value,
    ])}
  />
);

/** Shows every term of a grant before the wallet signs it. */
export const GrantReview = ({
  terms,
  parent,
  self,
  onIssued,
  onDone,
  onClose,
}: {
  readonly terms: GrantTerms;
  /** The parent grant; undefined if the issuer is an owner. */
  readonly parent: Hex | undefined;
  /** The account that signs. */
  readonly self: string;
  readonly onIssued: (issued: Issued) => void;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => (
  <ActDialog
    title="Grant this budget?"
    verb="Sign"
    subject={`grant ${self} ${terms.delegate}`}
    change={granting(terms, parent, onIssued)}
    onDone={onDone}
    onClose={onClose}
  >
    <Terms terms={terms} />
    <p>
      <strong>The agent needs the hash of this grant,</strong> which this page shows once you have
      signed. The grant takes effect with the first call that names it. Until then the agent has
      only its other grants.
    </p>
    <p class="muted">You can revoke it at any time, and limit the agent further under Budget.</p>
  </ActDialog>
);
