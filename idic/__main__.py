from idic.cli import main

main()
