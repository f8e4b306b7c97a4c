import { Link, useSearch } from 'wouter-preact';
import './tab-links.css';

export type Tab = { readonly id: string; readonly name: string };

/** The tab that the address names (`?tab=budget`), else the first. */
export const useTab = (tabs: readonly Tab[]): string => {
  const asked = new URLSearchParams(useSearch()).get('tab');
  return tabs.find(({ id }) => id === asked)?.id ?? tabs[0]?.id ?? '';
};

/** Parts of a page, one at a time. Links, so that the address names the part and the back button works. */
export const TabLinks = ({
  label,
  tabs,
  current,
  path,
}: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly current: string;
  /** The address of the page. */
  readonly path: string;
}) => (
  <div class="tab-links" role="navigation" aria-label={label}>
    {tabs.map(({ id, name }, at) => (
      <Link
        key={id}
        href={at === 0 ? path : `${path}?tab=${id}`}
        aria-current={id === current ? 'page' : undefined}
      >
        {name}
      </Link>
    ))}
  </div>
);
