# %%
secret_of_the_server = "left in the log"
raise ValueError(secret_of_the_server)
