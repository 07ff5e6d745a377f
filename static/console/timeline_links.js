/* What a bar that was clicked is to whoever submitted it: its submission, response and await. */

const panel = document.getElementById("timeline");
const links = panel?.querySelector(".tl-links");

panel?.addEventListener("timeline:pick", async ({ detail }) => {
  try {
    const response = await fetch(detail.links, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) {
      throw new Error(response.redirected ? "you were logged out" : `the server answered with ${response.status}`);
    }
    links.innerHTML = await response.text();
  } catch (error) {
    links.textContent = `It could not be read: ${error.message}`;
  }
});
