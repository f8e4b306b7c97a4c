import { useAncestors } from '../../data/accounts/ancestors.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Amount } from '../../parts/amount.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import './grant-table.css';

/** The credit of an agent's ancestors, which pays for calls that its own credit does not cover. */
export const PayingCredit = ({ parent }: { readonly parent: string }) => {
  const { data, problem } = useAncestors(parent);
  // Reserve the space, so that the content below does not move when the credit arrives.
  if (data === undefined && problem === undefined) return <Skeleton rows={2} />;
  if (data === undefined || data.length === 0) return null;
  return (
    <p class="paying">
      {data.flatMap(({ account, label, money }) =>
        (money.length === 0 ? [{ asset: '', credit: '0' }] : money).map(({ asset, credit }) => (
          <span key={`${account} ${asset}`} class="term">
            Credit of <AccountLink account={account} label={label} />:{' '}
            <Amount atomic={credit} asset={asset} />
          </span>
        )),
      )}
      <span class="muted">
        This credit pays for calls that neither the agent’s own credit nor its payment covers. The
        nearest account pays first.
      </span>
    </p>
  );
};
