import { Skeleton } from './skeleton.tsx';
import './page.css';

/** A page whose code or role is still being read: its title, and lines in place of its content. */
export const Opening = ({ title }: { readonly title: string | undefined }) => (
  <>
    {title === undefined ? null : (
      <div class="title-line">
        <h1>{title}</h1>
      </div>
    )}
    <Skeleton rows={8} />
  </>
);
