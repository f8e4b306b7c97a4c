import { Link } from 'wouter-preact';
import { Empty } from '../parts/empty.tsx';
import { Page } from '../parts/page.tsx';

/** Shown for an address without a page, and for a page that the signed-in account may not open. */
export const NoPage = () => (
  <Page title="There is no such page">
    <Empty title="The address is wrong, or its page is for operators only.">
      <Link href="/">Open the overview</Link>
    </Empty>
  </Page>
);
