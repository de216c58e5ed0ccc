// Runs once for the element that holds the details: what was asked for is read out and, on a phone, scrolled to.
watch('value', () => {
  const title = element.querySelector('#stigma-details-title');
  if (title) title.focus({ preventScroll: window.innerWidth > 900 });
});
