import { useEffect, useState } from 'preact/hooks';
import './skeleton.css';
import './page.css';

/** Before this, a skeleton would only flicker. */
const SKELETON_AFTER_MS = 150;

/** Grey lines in place of what is being read. */
export const Skeleton = ({ rows }: { readonly rows: number }) => {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="skeleton" aria-busy="true" data-rows={rows} data-shown={isLate}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} />
      ))}
    </div>
  );
};

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
